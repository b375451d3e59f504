// 群发: what waits for a guide's tap, and how the guide treats broadcasts.

import { $, action, ask, clockText, el, fill, toast } from './dom.js';
import { attached, chosenGuide } from './people.js';

const HABITS = [
  ['by_hand', '自己点发送', {}], ['at_once', '马上确认', {}], ['after', '30 分钟后确认', { minutes: 30 }],
  ['part', '只发一半（允许挑选时）', { percent: 50 }], ['forgets', '会忘，提醒一次才发', { wakes_after: 1 }], ['refuses', '不发', {}],
];
const OUTCOMES = { 0: '未发', 1: '已送达', 2: '不是好友', 3: '超过接收上限' };

export function drawBroadcasts(state) {
  const userid = chosenGuide();
  const habit = state.broadcasts.habits[userid]?.kind ?? 'by_hand';
  if (document.activeElement !== $('habit')) {
    fill($('habit'), ...HABITS.map(([kind, label]) => el('option', { value: kind, selected: kind === habit }, label)));
  }
  const mine = state.broadcasts.tasks.flatMap((task) => task.shares.filter((share) => share.userid === userid).map((share) => taskLine(task, share)));
  fill($('broadcasts'), ...(mine.length ? mine.slice(0, 10) : [el('p', { class: 'empty' }, '没有群发任务')]));
}

function taskLine(task, share) {
  const to = task.chat_type === 'group' ? `${share.count} 个客户群` : `${share.count} 位客户`;
  const outcomes = Object.entries(share.outcomes).map(([code, count]) => `${OUTCOMES[code]} ${count}`).join('，');
  const open = share.status === 0 && !share.refused && !task.cancelled;
  const standing = share.status === 2 ? `${clockText(share.send_time * 1000)} 已发送：${outcomes}`
    : task.cancelled ? '管理员已停止' : share.refused ? '你选了不发' : `待发送${task.reminded ? `，被提醒 ${task.reminded} 次` : ''}`;
  const send = (fields) => ask(`broadcasts/${task.msgid}/confirm`, 'POST', { userid: share.userid, ...fields });
  const refuse = () => ask(`broadcasts/${task.msgid}/refuse`, 'POST', { userid: share.userid });
  const buttons = open ? [
    action('发送', () => send({})),
    task.allow_select ? action('只发一半', () => send({ percent: 50 }), 'plain') : null,
    action('不发', refuse, 'plain'),
  ] : [];
  return el('div', { class: 'item task' }, el('p', {}, task.text || '（无文字）', ...task.attachments.map((item) => el('small', {}, attached(item))),
    el('small', {}, `发给 ${to}：${share.names.slice(0, 3).join('、')}${share.count > 3 ? '…' : ''}`), el('small', { class: 'standing' }, standing)),
  el('div', { class: 'row' }, ...buttons.filter(Boolean)));
}

export function listen() {
  $('habit').addEventListener('change', async (event) => {
    const [kind, , more] = HABITS.find(([name]) => name === event.target.value);
    try {
      await ask(`guides/${chosenGuide()}/habit`, 'POST', { kind, ...more });
      event.target.blur();
    } catch (error) { toast(error.message, true); }
  });
}
