// 智能机器人: an internal group and single chats with the AI bot, and what the group robots post.

import { $, action, ask, clockText, el, fill, toast } from './dom.js';
import { chosenGuide } from './people.js';

const GROUP = 'wrkSandboxStore';
let place = 'group';

const chatid = () => (place === 'group' ? GROUP : chosenGuide());

export function drawAibot(state) {
  const names = Object.fromEntries(state.guides.map((guide) => [guide.userid, guide.name]));
  const chat = (state.aibot_chats ?? []).find((one) => one.chatid === chatid());
  const box = $('aibot-chat');
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  $('aibot-title').textContent = place === 'group' ? '门店内部群（没有客户）' : `${names[chosenGuide()] ?? ''} 与智能机器人`;
  const messages = (chat?.messages ?? []).slice(-60).flatMap((message) => [
    el('time', {}, `${clockText(message.at)} ${message.from === 'bot' ? '智能机器人' : names[message.from] ?? message.from}`),
    message.from === 'bot' ? said(message) : el('div', { class: 'bubble mine' }, message.text),
  ]);
  fill(box, ...(messages.length ? messages : [el('p', { class: 'empty' }, '还没有人对机器人说话')]));
  if (atEnd) box.scrollTop = box.scrollHeight;
  fill($('robots'), ...(state.robots ?? []).map((robot) => el('div', { class: 'item' },
    el('p', {}, robot.name, el('small', {}, robot.messages.length ? robot.messages[robot.messages.length - 1].text : '还没有推送')))));
}

function said(message) {
  if (message.msgtype !== 'template_card') return el('div', { class: 'bubble' }, message.text || '…');
  const card = message.body;
  const buttons = message.replaced ? [el('small', {}, message.replaced)] : (card.button_list ?? []).map((button) => action(button.text,
    () => ask('aibot/card_click', 'POST', { userid: chosenGuide(), task_id: card.task_id, key: button.key })));
  const rows = (card.horizontal_content_list ?? []).map((row) => el('small', {}, `${row.keyname}：${row.value ?? ''}`));
  return el('div', { class: 'bubble' }, card.main_title?.title ?? '', el('small', {}, card.main_title?.desc ?? card.sub_title_text ?? ''),
    ...rows, ...buttons);
}

const base64 = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.addEventListener('load', () => done(reader.result.split(',')[1]));
  reader.addEventListener('error', () => failed(new Error('这个文件读不出来')));
  reader.readAsDataURL(file);
});

export function listen(redraw) {
  $('aibot-place').addEventListener('change', (event) => { place = event.target.value; redraw(); });
  $('aibot-enter').addEventListener('click', async () => {
    try {
      await ask('aibot/enter', 'POST', { userid: chosenGuide() });
      place = 'single';
      $('aibot-place').value = place;
      redraw();
    } catch (error) { toast(error.message, true); }
  });
  $('aibot-file').addEventListener('change', async (event) => {
    const file = event.target.files[0];
    if (!file || !chosenGuide()) return;
    try {
      const data = await base64(file);
      const msgtype = file.type.startsWith('image/') ? 'image' : file.type.startsWith('video/') ? 'video' : 'file';
      place = 'single';  // WeCom takes pictures and files in the single chat only
      $('aibot-place').value = place;
      const answer = await ask('aibot/say', 'POST', { userid: chosenGuide(), msgtype, text: `[${file.name}]`, data });
      if (!answer.delivered) toast('机器人没有连上智能机器人的门，这个文件没有送到', true);
      redraw();
    } catch (error) { toast(error.message, true); } finally { event.target.value = ''; }
  });
  $('aibot-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const box = $('aibot-text');
    const button = event.target.querySelector('button');
    if (!box.value.trim() || button.disabled || !chosenGuide()) return;
    button.disabled = true;
    try {
      const where = place === 'group' ? { chatid: GROUP, name: '门店内部群' } : {};
      const answer = await ask('aibot/say', 'POST', { userid: chosenGuide(), text: box.value, ...where });
      box.value = '';
      if (!answer.delivered) toast('机器人没有连上智能机器人的门，这句话没有送到', true);
    } catch (error) { toast(error.message, true); } finally { button.disabled = false; box.focus(); }
  });
}
