// The page: one state, drawn whenever it changes; entries come live and are caught up after a break.

import * as aibot from './aibot.js';
import * as broadcasts from './broadcasts.js';
import { $, ask, toast } from './dom.js';
import * as groups from './groups.js';
import * as inspector from './inspector.js';
import * as kf from './kf.js';
import * as model from './model.js';
import * as onebot from './onebot.js';
import * as people from './people.js';
import * as shop from './shop.js';
import * as tags from './tags.js';
import * as world from './world.js';

let state = null;
let wanted = false;
let busy = false;

function draw() {
  if (!state) return;
  people.drawCustomers(state);
  people.drawGuides(state);
  kf.drawKf(state);
  shop.drawShop(state);
  aibot.drawAibot(state);
  onebot.drawOneBot(state);
  world.drawWorld(state);
  groups.drawGroups(state);
  groups.drawMenu(state);
  tags.drawTags(state);
  broadcasts.drawBroadcasts(state);
  model.drawModel(state);
  document.querySelectorAll('#tour li')[0].classList.toggle('done', state.customers.some((one) => one.guides.length));
}

async function refresh() {
  wanted = true;
  if (busy) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      state = await ask('state');
      draw();
      await new Promise((done) => { setTimeout(done, 250); });
    }
  } catch (error) {
    toast(error.message, true);
  } finally {
    busy = false;
  }
}

async function health() {
  const box = $('health');
  try {
    const response = await fetch('/__sandbox/bot/readyz');
    box.textContent = response.status === 200 ? '机器人正常' : response.status === 502 ? '机器人没有启动' : '机器人还没准备好';
  } catch {
    box.textContent = '沙盒没有回答';
  }
}

function follow() {
  const stream = new EventSource('/__sandbox/events');
  stream.addEventListener('entry', (event) => inspector.add(JSON.parse(event.data)));
  stream.addEventListener('state', refresh);
  stream.addEventListener('open', () => { inspector.catchUp().catch(() => {}); refresh(); });
}

for (const tab of document.querySelectorAll('#tabs button')) {
  tab.addEventListener('click', () => {
    document.querySelectorAll('.column').forEach((column) => column.classList.toggle('shown', column.id === tab.dataset.tab));
    document.querySelectorAll('#tabs button').forEach((one) => one.setAttribute('aria-pressed', one === tab));
  });
}
people.listen(draw);
kf.listen(draw);
shop.listen();
aibot.listen(draw);
onebot.listen(draw);
world.listen();
groups.listen();
tags.listen(draw);
broadcasts.listen();
model.listen();
inspector.listen();
follow();
refresh();
health();
setInterval(health, 5000);
setInterval(refresh, 3000);
