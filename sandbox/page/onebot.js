// 社群: a community group on another platform, and the private chats of its people with the bot.

import { $, action, ask, clockText, el, fill, press, toast } from './dom.js';
import { bubbles, options } from './people.js';

let there = null;
let chosen = null; // the account that speaks
let aside = false; // in private instead of in the group
let again = () => {};

const someone = () => there?.people[chosen] ?? null;

function somebody() {
  if (!someone()) throw new Error('先选一位群成员');
  return someone().user_id;
}

function lines(messages) {
  return messages.slice(-60).flatMap((message) => {
    const bot = message.user_id === there.self_id;
    const name = bot ? there.nickname : there.people[message.user_id]?.nickname ?? String(message.user_id);
    return [el('time', {}, `${clockText(message.at)} ${name}`),
      el('div', { class: String(message.user_id) === chosen ? 'bubble mine' : 'bubble' }, message.recalled ? '已撤回' : message.text)];
  });
}

export function drawOneBot(state) {
  there = state.onebot ?? null;
  if (!there) return;
  const people = Object.values(there.people).map((one) => ({ id: String(one.user_id), name: label(one) }));
  if (!people.some((one) => one.id === chosen)) chosen = people[0]?.id ?? null;
  options($('onebot-select'), people, 'id', chosen);
  $('onebot-title').textContent = aside ? `${someone()?.nickname ?? ''} 与 ${there.nickname} 的私聊` : `${there.group_name}（${there.members.length + 1}）`;
  $('onebot-state').textContent = { ws: there.connected ? '已连上机器人' : '没有连上机器人，几秒后重试', post: 'HTTP 推送' }[there.mode] ?? '没有启用';
  $('onebot-group').setAttribute('aria-pressed', String(!aside));
  $('onebot-private').setAttribute('aria-pressed', String(aside));
  $('onebot-at').parentElement.hidden = aside;
  $('onebot-text').placeholder = aside ? '私聊机器人：帮助、我的积分、绑定…' : '在群里说：帮助、拼团、我的积分…';
  bubbles($('onebot-chat'), lines(aside ? someone()?.private ?? [] : there.chat));
  fill($('onebot-moves'), move());
}

function label(person) {
  const tags = [person.external_userid ? '客户' : '', person.friend ? '好友' : person.temp ? '' : '不收私聊', there.members.includes(person.user_id) ? '' : '已退群'].filter(Boolean);
  return tags.length ? `${person.nickname}（${tags.join('、')}）` : person.nickname;
}

function move() {
  if (someone() && there.members.includes(someone().user_id)) {
    return action('退群', () => ask('onebot/leave', 'POST', { user_id: somebody() }), 'danger');
  }
  return action('重新入群', () => ask('onebot/join', 'POST', { user_id: somebody() }), 'plain');
}

export function listen(redraw) {
  again = redraw;
  $('onebot-select').addEventListener('change', (event) => { chosen = event.target.value; again(); });
  $('onebot-group').addEventListener('click', () => { aside = false; again(); });
  $('onebot-private').addEventListener('click', () => { aside = true; again(); });
  $('onebot-new').addEventListener('click', (event) => press(event.target, async () => {
    const nickname = window.prompt('新成员叫什么？', '新朋友🌿');
    if (nickname) chosen = String((await ask('onebot/join', 'POST', { nickname })).user_id);
  }));
  $('onebot-cut').addEventListener('click', (event) => press(event.target, async () => {
    await ask('onebot/cut', 'POST', {});
    toast('连接断开了，三秒后重连；欠着的回答会补上');
  }));
  $('onebot-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const box = $('onebot-text');
    if (!box.value.trim()) return;
    press(event.target.querySelector('button'), async () => {
      const said = { user_id: somebody(), text: box.value };
      if (aside) await ask('onebot/private_say', 'POST', said);
      else await ask('onebot/group_say', 'POST', { ...said, at: $('onebot-at').checked });
      box.value = '';
      box.focus();
    });
  });
}
