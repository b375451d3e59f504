// 客服: the customer's second chat, and the sessions that wait for or belong to the chosen servicer.

import { $, action, ask, clockText, el, fill, press, toast } from './dom.js';
import { bubbles, chosenCustomer, chosenGuide, options } from './people.js';

const STATES = ['机器人', '机器人', '排队', '人工', '已结束'];
const NAMED = { image: '图片', voice: '语音', video: '视频', file: '文件', location: '位置', link: '链接', miniprogram: '小程序', business_card: '名片' };
const POOL = 2;
const HUMAN = 3;
const ENDED = 4;
const seen = {};
let account = null;
let chat = null; // the chosen customer's session with the chosen account
let picked = null; // whose session the servicer answers
let open = false;
let again = () => {};

const speak = (text, menu_id) => ask(`kf/${account.open_kfid}/say`, 'POST', { external_userid: chosenCustomer(), text, menu_id });

function somebody() {
  if (!account) throw new Error('还没有客服账号');
  if (!chosenCustomer()) throw new Error('先选一位客户');
}

// Only a web address becomes a link; whatever else stays words.
function anchor(address, label) {
  if (!/^https?:/i.test(address)) return el('span', {}, label);
  return el('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, label);
}

function words(text) {
  return String(text).split(/(https?:\S+)/i).filter(Boolean).map((part) => (/^https?:/i.test(part) ? anchor(part, part) : part));
}

function menuItem(item, live) {
  const inside = item[item.type] ?? {};
  if (item.type === 'text') return el('span', { class: 'menu-text' }, ...words(inside.content ?? ''));
  if (item.type === 'view') return el('span', { class: 'menu-item' }, anchor(String(inside.url ?? ''), inside.content ?? ''));
  if (item.type === 'miniprogram') return el('span', { class: 'menu-item' }, `小程序：${inside.content ?? ''}`);
  if (!live) return el('span', { class: 'menu-item' }, inside.content ?? '');
  return action(inside.content ?? '', () => speak(inside.content, inside.id), 'menu-item');
}

function inside(message, live) {
  if (message.recalled) return [el('small', {}, '已撤回')];
  if (message.msgtype === 'text') return words(message.body.content ?? '');
  if (message.msgtype === 'msgmenu') {
    return [el('span', {}, ...words(message.body.head_content ?? '')), ...(message.body.list ?? []).map((item) => menuItem(item, live)),
      message.body.tail_content ? el('small', {}, message.body.tail_content) : null].filter(Boolean);
  }
  if (message.msgtype === 'link') return [anchor(String(message.body.url ?? ''), message.body.title ?? '链接'), el('small', {}, message.body.desc ?? '')];
  return [`[${NAMED[message.msgtype] ?? message.msgtype}] ${message.body.title ?? message.body.name ?? ''}`];
}

// `mine` is whose side is green: the customer's on their phone, the servicer's on the desk.
function lines(messages, mine, names, live) {
  return messages.slice(-60).flatMap((message) => [
    el('time', {}, `${clockText(message.at)} ${{ bot: '机器人', servicer: names[message.userid] ?? '人工', customer: '' }[message.from]}`),
    el('div', { class: mine(message) ? 'bubble mine' : 'bubble' }, ...inside(message, live)),
  ]);
}

export function drawKf(state) {
  const accounts = state.kf_accounts ?? [];
  account = accounts.find((one) => one.open_kfid === account?.open_kfid) ?? accounts[0] ?? null;
  options($('kf-select'), accounts, 'open_kfid', account?.open_kfid);
  $('kf-select').hidden = accounts.length < 2;
  const names = Object.fromEntries(state.guides.map((guide) => [guide.userid, guide.name]));
  drawPhone(state, names);
  drawDesk(state, names);
}

function drawPhone(state, names) {
  const customer = state.customers.find((one) => one.external_userid === chosenCustomer());
  chat = (account && customer?.kf?.[account.open_kfid]) ?? null;
  const count = chat?.messages.length ?? 0;
  if (open && customer) seen[customer.external_userid] = count;
  $('with-kf').textContent = customer && count > (seen[customer.external_userid] ?? 0) ? '客服 ●' : '客服';
  $('kf-state').textContent = stateText(names);
  $('kf-state').className = `kf-state s${chat?.state ?? ENDED}`;
  $('kf-refuse').textContent = chat?.refuses ? '恢复接收' : '拒收';
  bubbles($('kf-chat'), lines(chat?.messages ?? [], (message) => message.from === 'customer', names, true));
}

function stateText(names) {
  if (!account) return '没有客服账号';
  if (!chat || (chat.state === ENDED && !chat.messages.length)) return '未开始';
  if (chat.state === HUMAN) return `人工 · ${names[chat.servicer_userid] ?? chat.servicer_userid}`;
  return chat.state < 2 ? `${STATES[chat.state]} · 还能答 ${chat.left} 条` : STATES[chat.state];
}

// -- the servicer's desk ---------------------------------------------------------------------------------------------

function drawDesk(state, names) {
  const userid = chosenGuide();
  const duty = account?.servicers.find((one) => one.userid === userid);
  const sessions = account ? state.customers.filter((one) => [POOL, HUMAN].includes(one.kf?.[account.open_kfid]?.state)) : [];
  const mine = sessions.filter((one) => one.kf[account.open_kfid].servicer_userid === userid);
  if (!mine.some((one) => one.external_userid === picked)) picked = mine[0]?.external_userid ?? null;
  const shown = duty ? sessions : [];
  fill($('kf-desk'), dutyLine(duty), ...shown.slice(0, 50).map((one) => session(one, userid, names)));
  const current = mine.find((one) => one.external_userid === picked);
  $('kf-desk-phone').hidden = !current;
  if (current) bubbles($('kf-desk-chat'), lines(current.kf[account.open_kfid].messages, (message) => message.from !== 'customer', names, false));
}

function dutyLine(duty) {
  if (!duty) return el('p', { class: 'empty' }, '这位导购不是接待人员');
  const off = duty.status === 1;
  return el('div', { class: 'item' }, el('p', {}, off ? '已停止接待' : '接待中', el('small', {}, '排队的客户会出现在下面')),
    action(off ? '恢复接待' : '停止接待', () => ask(`kf/${account.open_kfid}/servicer`, 'POST', { userid: duty.userid, status: off ? 0 : 1 }), 'plain'));
}

function session(customer, userid, names) {
  const one = customer.kf[account.open_kfid];
  const who = { external_userid: customer.external_userid, userid };
  const mine = one.servicer_userid === userid;
  const label = one.state === POOL ? '排队中' : mine ? '您在接待' : `${names[one.servicer_userid] ?? one.servicer_userid} 在接待`;
  const last = one.messages.at(-1);
  const line = el('p', {}, customer.name, el('small', {}, `${label}${last?.text ? ` · ${last.text.slice(0, 20)}` : ''}`));
  const reply = mine && customer.external_userid !== picked ? action('回复', () => { picked = customer.external_userid; again(); }, 'plain') : null;
  const move = mine ? action('结束', () => ask(`kf/${account.open_kfid}/end`, 'POST', who), 'danger') : action(one.state === POOL ? '接待' : '转给我', () => ask(`kf/${account.open_kfid}/take`, 'POST', who));
  return el('div', { class: mine && customer.external_userid === picked ? 'item picked' : 'item' }, line, reply, move);
}

// -- buttons -----------------------------------------------------------------------------------------------------------

function sending(form, box, work) {
  $(form).addEventListener('submit', (event) => {
    event.preventDefault();
    const text = $(box).value;
    if (!text.trim()) return;
    press(event.target.querySelector('button'), async () => {
      await work(text);
      $(box).value = '';
    }).then(() => $(box).focus());
  });
}

function show(kf) {
  open = kf;
  $('kf-pane').hidden = !kf;
  $('customer-chat').hidden = kf;
  $('with-kf').setAttribute('aria-pressed', kf);
  $('with-guide').setAttribute('aria-pressed', !kf);
  again();
}

export function listen(redraw) {
  again = redraw;
  $('with-kf').addEventListener('click', () => show(true));
  $('with-guide').addEventListener('click', () => show(false));
  $('kf-select').addEventListener('change', (event) => { account = { open_kfid: event.target.value }; again(); });
  $('kf-enter').addEventListener('click', (event) => press(event.target, async () => {
    somebody();
    const from = window.prompt('从哪个链接进来？可以填 scene_param，也可以粘贴整条客服链接，或者留空', '');
    if (from === null) return;
    const link = /^https?:/i.test(from.trim());
    const answer = await ask(`kf/${account.open_kfid}/enter`, 'POST', { external_userid: chosenCustomer(), ...(link ? { url: from } : { scene_param: from.trim() }) });
    toast(answer.welcome_code ? '已进入会话，机器人有 20 秒发欢迎语' : '已进入会话（说过话或 48 小时内欢迎过，没有欢迎语）');
  }));
  $('kf-refuse').addEventListener('click', (event) => press(event.target, () => {
    somebody();
    return ask(`kf/${account.open_kfid}/refuse`, 'POST', { external_userid: chosenCustomer(), on: !chat?.refuses });
  }));
  sending('kf-form', 'kf-text', (text) => { somebody(); return speak(text); });
  sending('kf-desk-form', 'kf-desk-text', (text) => ask(`kf/${account.open_kfid}/servicer_say`, 'POST', { external_userid: picked, userid: chosenGuide(), text }));
}
