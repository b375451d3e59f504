// 客户 and 导购: two phones, and what each can do.

import { $, action, ask, clockText, el, fill, qrLike, toast } from './dom.js';

const picked = new Map(); // of cards that let one choose, by task_id
const chosen = { customer: null, guide: null };

export function chosenGuide() { return chosen.guide; }

export function chosenCustomer() { return chosen.customer; }

export function options(select, people, key, current) {
  fill(select, ...people.map((one) => el('option', { value: one[key], selected: one[key] === current }, one.name)));
}

export function bubbles(parent, messages) {
  const atEnd = parent.scrollHeight - parent.scrollTop - parent.clientHeight < 60;
  fill(parent, ...(messages.length ? messages : [el('p', { class: 'empty' }, '还没有消息')]));
  if (atEnd) parent.scrollTop = parent.scrollHeight;
}

export function drawCustomers(state) {
  const people = state.customers;
  if (!people.some((one) => one.external_userid === chosen.customer)) chosen.customer = people[0]?.external_userid ?? null;
  options($('customer-select'), people.slice(0, 300), 'external_userid', chosen.customer);
  const customer = people.find((one) => one.external_userid === chosen.customer);
  $('customer-title').textContent = customer ? customer.name : '还没有客户';
  const names = Object.fromEntries(state.guides.map((guide) => [guide.userid, guide.name]));
  bubbles($('customer-chat'), (customer?.chats ?? []).flatMap((chat) => [
    el('time', {}, `${clockText(chat.at)} ${names[chat.userid] ?? chat.userid}${chat.broadcast ? ' · 群发' : ''}`),
    chat.text ? el('div', { class: 'bubble' }, chat.text) : null,
    ...chat.attachments.map((item) => el('div', { class: 'bubble' }, attached(item))),
  ].filter(Boolean)));
  drawWays(state, customer, names);
  drawFriends(customer, names);
  if (customer) drawMember(customer);
}

// An attachment in one line: what it is, and its title where it has one.
export function attached(item) {
  const kind = { image: '图片', link: '链接', miniprogram: '小程序', video: '视频', file: '文件' }[item.msgtype] ?? item.msgtype;
  const title = item[item.msgtype]?.title;
  return title ? `[${kind}] ${title}` : `[${kind}]`;
}

function drawWays(state, customer, names) {
  const ways = state.contact_ways.map((way) => el('div', { class: 'way' }, qrLike(way.config_id),
    el('p', {}, way.remark || way.state, el('small', {}, `渠道 ${way.state} · ${way.user.map((user) => names[user] ?? user).join('、')}`)),
    action('扫码添加', async () => {
      if (!customer) throw new Error('先选一位客户');
      await ask(`customers/${customer.external_userid}/scan`, 'POST', { config_id: way.config_id });
    })));
  fill($('ways'), ...(ways.length ? ways : [el('p', { class: 'empty' }, '还没有渠道码')]));
}

function drawFriends(customer, names) {
  const friends = (customer?.guides ?? []).map((pair) => el('div', { class: 'item' },
    el('p', {}, names[pair.userid] ?? pair.userid, el('small', {}, pair.state ? `来自渠道 ${pair.state}` : '直接添加')),
    action('删除', () => ask(`customers/${customer.external_userid}/delete_guide`, 'POST', { userid: pair.userid }), 'danger')));
  const others = Object.keys(names).filter((userid) => customer && !customer.guides.some((pair) => pair.userid === userid));
  fill($('customer-guides'), ...friends,
    ...others.map((userid) => el('div', { class: 'item' }, el('p', {}, names[userid]),
      action('直接添加', () => ask(`customers/${customer.external_userid}/scan`, 'POST', { userid }), 'plain'))));
}

let memberAsked = 0;

async function drawMember(customer) {
  const turn = ++memberAsked;
  let answer = null;
  try {
    answer = await ask(`bot/members?external_id=${encodeURIComponent(customer.external_userid)}`);
  } catch { /* shown below as not reachable */ }
  if (turn !== memberAsked) return;
  const member = answer?.items?.[0];
  const box = $('customer-member');
  if (!answer) return fill(box, el('span', { class: 'empty' }, '机器人没有回答，看不到账户'));
  if (!member) return fill(box, el('span', { class: 'empty' }, '机器人还不认识这位客户'));
  fill(box, '积分 ', el('b', {}, String(member.points)), ` · 会员号 ${member.id}`,
    ...member.coupons.map((coupon) => el('div', {}, `🎫 ${coupon.template}（${{ active: '可用', redeemed: '已用', expired: '已过期', voided: '已作废' }[coupon.status] ?? coupon.status}）`, el('small', {}, ` ${coupon.code}`))));
  document.querySelectorAll('#tour li')[1].classList.toggle('done', member.points > 0 && customer.chats.length > 0);
}

export function drawGuides(state) {
  const people = state.guides;
  if (!people.some((one) => one.userid === chosen.guide)) chosen.guide = people[0]?.userid ?? null;
  options($('guide-select'), people, 'userid', chosen.guide);
  const guide = people.find((one) => one.userid === chosen.guide);
  $('guide-title').textContent = guide ? `${guide.name} · 应用消息` : '还没有导购';
  bubbles($('guide-chat'), (guide?.inbox ?? []).slice(-60).flatMap((message) => [
    el('time', {}, clockText(message.at)), message.msgtype === 'said' || message.msgtype === 'answered'
      ? el('div', { class: message.msgtype === 'said' ? 'bubble mine' : 'bubble' }, message.text) : appMessage(guide, message),
  ]));
  const byId = Object.fromEntries(state.customers.map((one) => [one.external_userid, one]));
  const mine = (guide?.customers ?? []).slice(0, 50).map((id) => {
    const pair = byId[id].guides.find((one) => one.userid === guide.userid);
    return el('div', { class: 'item' }, el('p', {}, pair.remark || byId[id].name, el('small', {}, pair.tags.join('、') || '没有标签')),
      action('标签', () => markCustomer(state, guide, id, pair), 'plain'),
      action('删除', () => ask(`guides/${guide.userid}/delete_customer`, 'POST', { external_userid: id }), 'danger'));
  });
  fill($('guide-customers'), ...(mine.length ? mine : [el('p', { class: 'empty' }, '还没有客户，让客户扫一个渠道码')]));
  document.querySelectorAll('#tour li')[2].classList.toggle('done', people.some((one) => one.inbox.some((message) => message.text.includes('客户'))));
}

// What a guide does in the client's own tag sheet; the callback tells the bot to look.
async function markCustomer(state, guide, id, pair) {
  const library = state.tags.flatMap((group) => group.tag.map((tag) => ({ id: tag.id, name: `${group.group_name}/${tag.name}`, bare: tag.name })));
  if (!library.length) throw new Error('标签库是空的：先在「世界」里新建标签');
  const typed = window.prompt(`打上写名字，摘掉在前面写减号，几个用空格隔开。标签库：${library.map((one) => one.name).join('、')}`, '');
  if (!typed?.trim()) return;
  const wish = { external_userid: id, add_tag: [], remove_tag: [] };
  for (const word of typed.trim().split(/\s+/)) {
    const name = word.replace(/^[+\-−]/, '');
    const found = library.find((one) => one.name === name) ?? library.find((one) => one.bare === name);
    if (!found) throw new Error(`标签库里没有「${name}」`);
    (/^[-−]/.test(word) ? wish.remove_tag : wish.add_tag).push(found.id);
  }
  await ask(`guides/${guide.userid}/mark_customer`, 'POST', wish);
}

function appMessage(guide, message) {
  if (message.msgtype !== 'template_card') return el('div', { class: 'bubble' }, message.text);
  const card = message.body;
  const rows = (card.horizontal_content_list ?? []).map((row) => el('small', {}, `${row.keyname}：${row.value ?? ''}`));
  const buttons = message.replaced ? [el('small', {}, message.replaced)] : (card.button_list ?? []).map((button) => action(button.text,
    () => ask(`guides/${guide.userid}/click`, 'POST', { key: button.key, task_id: card.task_id, response_code: card.response_code })));
  return el('div', { class: 'bubble' }, card.main_title?.title ?? '', el('small', {}, card.main_title?.desc ?? card.sub_title_text ?? ''),
    ...rows, ...(card.checkbox && !message.replaced ? picking(guide, card) : buttons));
}

function picking(guide, card) {
  const options = card.checkbox.option_list;
  if (!picked.has(card.task_id)) picked.set(card.task_id, (options.find((one) => one.is_checked) ?? options[0]).id);
  const picks = options.map((one) => {
    const radio = el('input', { type: 'radio', name: card.task_id, value: one.id, checked: one.id === picked.get(card.task_id) });
    radio.addEventListener('change', () => { picked.set(card.task_id, one.id); });
    return el('label', { class: 'pick' }, radio, one.text);
  });
  return [...picks, action(card.submit_button.text, () => ask(`guides/${guide.userid}/click`, 'POST', {
    key: card.submit_button.key, task_id: card.task_id, response_code: card.response_code, selected: { [card.checkbox.question_key]: [picked.get(card.task_id)] },
  }))];
}

export function listen(redraw) {
  $('customer-select').addEventListener('change', (event) => { chosen.customer = event.target.value; redraw(); });
  $('guide-select').addEventListener('change', (event) => { chosen.guide = event.target.value; redraw(); });
  $('customer-new').addEventListener('click', async () => {
    const name = window.prompt('新客户叫什么？（可以带 emoji）', '新客户🌱');
    if (!name) return;
    try {
      chosen.customer = (await ask('customers', 'POST', { name })).external_userid;
      redraw();
    } catch (error) { toast(error.message, true); }
  });
  $('guide-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const box = $('guide-text');
    const button = event.target.querySelector('button');
    if (!box.value.trim() || button.disabled || !chosen.guide) return;
    button.disabled = true;
    try {
      const answer = await ask(`guides/${chosen.guide}/say`, 'POST', { text: box.value });
      box.value = '';
      if (answer.status !== 200) toast(`机器人回答了 ${answer.status ?? '超时'}，企业微信会重推`, true);
    } catch (error) { toast(error.message, true); } finally { button.disabled = false; box.focus(); }
  });
}
