// 检视: every callback and call, live; one click shows the way from cipher text to rows.

import { $, ask, clockText, el, fill } from './dom.js';

const MOST = 500;
const ORDER_EVENTS = { 'order.paid': '付款', 'order.refunded': '退款', 'refund.asked': '机器人要求退款' };
const ORDER_ERRORS = { lose: '没送到', unheard: '没听到回答' };
const entries = [];
let kind = 'all';
let last = 0;
let picked = 0;

const failed = (entry) => entry.type === 'order' ? !(entry.status >= 200 && entry.status < 300) : entry.type === 'callback' ? entry.status !== 200 : Boolean(entry.fault) || (entry.reply?.errcode ?? 0) !== 0 || entry.status >= 400;
const shown = (entry) => kind === 'all' || (kind === 'failed' ? failed(entry) : entry.type === kind);

export function add(entry) {
  if (entry.seq <= last) return;
  last = entry.seq;
  entries.unshift(entry);
  entries.length = Math.min(entries.length, MOST);
  if (!shown(entry)) return;
  $('entries').prepend(line(entry));
  while ($('entries').children.length > MOST) $('entries').lastChild.remove();
}

export async function catchUp() {
  for (;;) {
    const answer = await ask(`log?since=${last}&limit=${MOST}`);
    answer.items.forEach(add);
    if (answer.items.length < MOST) return;
  }
}

function title(entry) {
  if (entry.title) return entry.title;
  if (entry.type === 'call') return entry.path;
  if (entry.type === 'order') return `${ORDER_EVENTS[entry.event]} ${entry.order_no}${entry.forged ? '（伪造）' : entry.attempt > 1 ? `（第 ${entry.attempt} 次）` : ''}`;
  if (entry.type !== 'callback' && entry.type !== 'fault') return `时间拨到 ${new Date(entry.now).toLocaleString('zh-CN', { hour12: false })}`;
  const tag = (name) => entry.plain?.match(new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`))?.[1];
  return [tag('Event') ?? tag('MsgType'), tag('ChangeType')].filter(Boolean).join(' · ') + (entry.attempt > 1 ? `（第 ${entry.attempt} 次）` : '');
}

function line(entry) {
  const status = entry.type === 'call' ? entry.reply?.errcode ?? entry.status : entry.status ?? ORDER_ERRORS[entry.error] ?? entry.error ?? entry.fault ?? '';
  const button = el('button', { type: 'button', class: failed(entry) ? 'bad' : '' }, el('span', { class: 'when' }, clockText(entry.at)),
    el('span', { class: 'kind' }, { callback: '回调', call: '调用', clock: '时钟', fault: '故障', order: '商城', frame: '长连' }[entry.type] ?? entry.type),
    el('span', {}, title(entry)), el('span', { class: 'ms' }, `${status} ${entry.ms ?? ''}${entry.ms === undefined ? '' : ' ms'}`));
  button.addEventListener('click', () => detail(entry));
  return el('li', {}, button);
}

function step(name, text, style = '') {
  return [el('h3', {}, name), el('pre', { class: style }, text)];
}

const pretty = (xml) => xml.replace(/(<\/\w+>|<xml>)(?=<)/g, '$1\n');

async function detail(entry) {
  picked = entry.seq;
  const parts = entry.type === 'callback' ? callback(entry) : entry.type === 'order' ? order(entry) : call(entry);
  fill($('detail'), ...parts);
  document.querySelectorAll('#tour li')[3].classList.add('done');
  if (entry.key && entry.status === 200) await inside(entry, parts);
}

function callback(entry) {
  return [
    ...step('① 密文', entry.cipher ?? '', 'cipher'),
    ...step('② 签名与时间', Object.entries(entry.query ?? {}).map(([name, value]) => `${name}=${value}`).join('\n') + (entry.forged ? '\n（故意伪造的签名）' : '')),
    ...step('③ 明文', pretty(entry.plain ?? '')),
    ...step('④ 机器人的回答', entry.error ? `没有回答：${entry.error}` : `HTTP ${entry.status}${entry.reply ? `\n${entry.reply}` : '（空）'} · ${entry.ms} ms`),
  ];
}

function order(entry) {
  const signed = ['X-Timestamp', 'X-Signature'].map((name) => `${name}: ${entry.headers[name]}`).join('\n');
  return [
    ...step(entry.event === 'refund.asked' ? '① 机器人请商城退款' : '① 商城推送的订单', typeof entry.body === 'string' ? entry.body : JSON.stringify(entry.body, null, 2)),
    ...step('② 签名与时间', signed + (entry.forged ? '\n（故意伪造的签名）' : '')),
    ...step(entry.event === 'refund.asked' ? '③ 商城的回答' : '③ 机器人的回答', entry.status ? `HTTP ${entry.status} · ${entry.ms} ms\n${entry.reply}` : `${ORDER_ERRORS[entry.error] ?? entry.error}：商城过一会儿再推`),
  ];
}

function call(entry) {
  return [
    ...step('① 调用', `${entry.path}\n${JSON.stringify(entry.query ?? {}, null, 2)}`),
    ...step('② 请求体', JSON.stringify(entry.body ?? {}, null, 2)),
    ...step('③ 回答', `HTTP ${entry.status} · ${entry.ms} ms${entry.fault ? ` · 故障 ${entry.fault}` : ''}\n${JSON.stringify(entry.reply ?? {}, null, 2)}`),
    ...step('④ 结果', { delivered: '已生效', duplicate: '查重，没有再发', undelivered: '已接受，没有送到', dropped: '超频，静默丢弃', none: '没有改变什么' }[entry.effect] ?? entry.effect ?? ''),
  ];
}

async function inside(entry, parts) {
  for (let tries = 0; tries < 5 && picked === entry.seq; tries++) {
    const answer = await ask(`bot/inbox?key=${encodeURIComponent(entry.key)}`).catch(() => null);
    const row = answer?.items?.[0];
    if (row) {
      fill($('detail'), ...parts,
        ...step('⑤ 路由', [].concat(row.route).join('\n') || '没有人接这类事件，只入库'),
        ...step('⑥ 改动的行', Object.entries(row.changes).map(([table, count]) => `${table} ${count}`).join('\n') || '没有'),
        ...step('⑦ 状态与用时', `${row.status} · 第 ${row.attempts} 次 · 处理 ${row.took_us} 微秒${row.error ? `\n${row.error}` : ''}`));
      return;
    }
    await new Promise((done) => { setTimeout(done, 400); });
  }
}

export function listen() {
  for (const chip of document.querySelectorAll('#chips button')) {
    chip.addEventListener('click', () => {
      kind = chip.dataset.kind;
      document.querySelectorAll('#chips button').forEach((one) => one.setAttribute('aria-pressed', one === chip));
      fill($('entries'), ...entries.filter(shown).map(line));
    });
  }
}
