// 商城: a shop's till: what the chosen customer may pay for, goods to buy freely, orders and their refunds.

import { $, action, ask, clockText, el, fill, press, toast } from './dom.js';

const ASK_EVERY_MS = 3000;
const TYPES = { 'order.paid': '付款通知', 'order.refunded': '退款通知' };
const KINDS = { group_buy: '拼团', bargain: '砍价', flash_sale: '秒杀', order: '购买' };
const REASONS = {
  amount: '付少了', late: '付晚了，已经没有货', paid_before: '这张单付过了', unknown: '没有这个下单码',
  team_over: '团已经结束', team_expired: '没有成团', leader_free: '团长免单',
};
const ANSWERS = { lose: '没送到', unheard: '没听到回答' };
let buyer = null;
let goods = [];
let checkouts = [];
let drawnGoods = '';
let drawnStores = '';
let drawnCheckouts = '';
let drawnOrders = '';
let asked = 0;
let latest = 0;

export const yuan = (fen) => `¥${(fen / 100).toFixed(2).replace(/\.00$/, '')}`;

// "12.5" typed by a person, full-width or with a sign, as fen; null when it is no amount.
export function fenOf(text) {
  const found = text.normalize('NFKC').replace(/[¥元,\s]/g, '').match(/^(\d{1,8})(?:\.(\d{1,2}))?$/);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0')) : null;
}

export function drawShop(state) {
  const chosen = state.customers.find((one) => one.external_userid === $('customer-select').value) ?? null;
  const changed = chosen?.external_userid !== buyer?.external_userid;
  buyer = chosen;
  $('shop-buyer').textContent = buyer ? `以「${buyer.name}」的身份买（在客户一栏换人）` : '先在客户一栏选一位客户';
  if (changed) checkouts = [];
  drawStores(state);
  drawGoods();
  drawCheckouts();
  drawOrders(state);
  if (changed || performance.now() - asked > ASK_EVERY_MS) look();
}

// The bot's own view: goods and prices, and what this customer has ordered but not paid.
async function look() {
  asked = performance.now();
  const turn = ++latest;
  const who = buyer?.external_userid;
  try {
    const shelf = await ask('bot/products?limit=50');
    const members = who ? await ask(`bot/members?external_id=${encodeURIComponent(who)}`) : { items: [] };
    const member = members.items[0];
    const open = member ? await ask(`bot/checkouts?member_id=${member.id}&status=held&limit=20`) : { items: [] };
    if (turn !== latest) return;
    goods = shelf.items.reverse();
    checkouts = open.items;
  } catch { return; /* the health line says that the bot is silent */ }
  drawGoods();
  drawCheckouts();
}

function drawStores(state) {
  const stores = state.contact_ways.filter((way) => way.state?.startsWith('store')).map((way) => [way.state, way.remark || way.state]);
  const wanted = JSON.stringify(stores);
  if (wanted === drawnStores) return;
  drawnStores = wanted;
  fill($('shop-store'), el('option', { value: '' }, '网上商城'), ...stores.map(([code, name]) => el('option', { value: code }, `${name}（${code}）`)));
}

function drawGoods() {
  const wanted = JSON.stringify(goods.map((one) => [one.sku, one.title, one.price_fen, one.stock?.remaining]));
  if (wanted === drawnGoods || $('shop-goods').contains(document.activeElement)) return;
  drawnGoods = wanted;
  const before = amounts();
  fill($('shop-goods'), ...(goods.length ? goods.map((one) => el('label', {},
    el('span', {}, one.title, el('small', {}, `${yuan(one.price_fen)} · ${one.stock ? `还有 ${one.stock.remaining} 件` : '卖不完'}`)),
    el('input', { type: 'number', min: 0, max: 99, value: before[one.sku] ?? 0, 'data-sku': one.sku, 'aria-label': `${one.title} 买几件` }),
  )) : [el('p', { class: 'empty' }, '机器人那里还没有商品')]));
  total();
}

const amounts = () => Object.fromEntries([...document.querySelectorAll('#shop-goods input')].map((box) => [box.dataset.sku, Math.min(Math.max(Math.trunc(Number(box.value)) || 0, 0), 99)]));

function basket() {
  const wanted = amounts();
  return goods.filter((one) => wanted[one.sku]).map((one) => ({ sku: one.sku, title: one.title, qty: wanted[one.sku], price_fen: one.price_fen }));
}

function total() {
  const fen = basket().reduce((sum, item) => sum + item.qty * item.price_fen, 0);
  $('shop-pay').textContent = fen ? `下单付款 ${yuan(fen)}` : '下单付款';
}

function drawCheckouts() {
  const wanted = JSON.stringify([buyer?.external_userid, checkouts]);
  if (wanted === drawnCheckouts) return;
  drawnCheckouts = wanted;
  fill($('shop-checkouts'), ...(checkouts.length ? checkouts.map((one) => el('div', { class: 'item' },
    el('p', {}, `${one.items.map(line).join('、')} ${yuan(one.price_fen)}`,
      el('small', {}, `${KINDS[one.kind] ?? one.kind} · 下单码 ${one.code} · ${clockText(one.hold_until)} 前付`)),
    action('付款', () => pay({ checkout: one.code })))) : [el('p', { class: 'empty' }, '没有。会员参团、抢购、砍价下单后，在这里付款')]));
}

const line = (item) => `${item.title}${item.qty > 1 ? ` ×${item.qty}` : ''}`;

async function pay(body) {
  if (!buyer) throw new Error('先在客户一栏选一位客户');
  const order = await ask('shop/orders', 'POST', { external_userid: buyer.external_userid, store: $('shop-store').value, ...body });
  toast(`已付款 ${yuan(order.amount_fen)}，正在通知机器人`);
  asked = 0;
}

function drawOrders(state) {
  const orders = state.orders.slice(-30).reverse();
  const wanted = JSON.stringify(orders.map(({ pushes, ...order }) => [order, pushes.map((push) => [push.state, push.attempts, push.answer])]));
  if (wanted === drawnOrders) return;
  drawnOrders = wanted;
  const names = Object.fromEntries(state.customers.map((one) => [one.external_userid, one.name]));
  fill($('shop-orders'), ...(orders.length ? orders.map((order) => drawOrder(order, names)) : [el('p', { class: 'empty' }, '还没有订单')]));
  $('tour-shop').classList.toggle('done', state.orders.some((order) => order.refunded_fen && order.pushes.every((push) => push.state === 'stored')));
}

function drawOrder(order, names) {
  const left = order.amount_fen - order.refunded_fen;
  const bought = order.items.map(line).join('、') || '没有写明商品';
  return el('div', { class: 'item order' },
    el('p', {}, el('span', {}, bought), el('strong', {}, yuan(order.amount_fen))),
    el('small', {}, [names[order.external_userid] ?? order.external_userid, clockText(order.at), order.store, order.checkout && `下单码 ${order.checkout}`].filter(Boolean).join(' · ')),
    el('small', {}, order.order_no),
    el('small', {}, !order.refunded_fen ? '已付款' : left ? `已退 ${yuan(order.refunded_fen)}，还剩 ${yuan(left)}` : '已全部退款'),
    ...Object.entries(order.asked).map(([number, reason]) => el('small', {}, `机器人要求退 ${yuan(order.refunds[number])}：${REASONS[reason] ?? reason}`)),
    ...order.pushes.map((push) => el('small', { class: push.state === 'stored' ? '' : 'bad' }, told(push))),
    left ? el('div', { class: 'row' }, action('退款', () => refund(order, {}), 'danger'), action('部分退款', () => part(order, left), 'plain')) : null);
}

function told(push) {
  const what = `${TYPES[push.type]}${push.type === 'order.refunded' ? ` ${yuan(push.data.amount_fen)}` : ''}`;
  if (push.state === 'stored') return `✓ ${what}：机器人已入账${push.attempts > 1 ? `（推了 ${push.attempts} 次）` : ''}`;
  if (!push.attempts) return `… ${what}：等着推送`;
  const why = ANSWERS[push.answer] ?? (/^\d+$/.test(push.answer) ? `机器人回答了 ${push.answer}` : '机器人没有回答');
  return `… ${what}：推了 ${push.attempts} 次，${why}，过一会儿再推`;
}

async function refund(order, body) {
  await ask(`shop/orders/${encodeURIComponent(order.order_no)}/refund`, 'POST', body);
  toast('已退款，正在通知机器人');
}

async function part(order, left) {
  const typed = window.prompt(`退多少元？最多 ${yuan(left)}`, (Math.max(Math.floor(left / 2), 1) / 100).toFixed(2));
  if (typed === null) return;
  const fen = fenOf(typed);
  if (!fen || fen > left) throw new Error(`要填 0.01 到 ${yuan(left)} 之间的金额`);
  await refund(order, { amount_fen: fen });
}

export function listen() {
  $('shop-goods').addEventListener('input', total);
  $('shop-form').addEventListener('submit', (event) => {
    event.preventDefault();
    press($('shop-pay'), async () => {
      const items = basket();
      if (!items.length) throw new Error('先选几件商品，填上数量');
      await pay({ items });
      document.querySelectorAll('#shop-goods input').forEach((box) => { box.value = 0; });
      total();
    });
  });
}
