// 环境: clock, faults, counters.

import { $, ask, el, fill, press, toast } from './dom.js';
import { chosenGuide } from './people.js';

const FAULTS = [
  ['callback', 'duplicate', '重复推送'], ['callback', 'lose', '丢失'], ['callback', 'lose_group', '客户群回调丢失'], ['callback', 'late', '迟到'], ['callback', 'bad_signature', '夹带伪造签名'],
  ['callback', 'twin', '同秒双胞胎'], ['api', 'busy', '系统繁忙 -1'], ['api', 'http_500', '接口 5xx'], ['api', 'timeout_before', '没执行就断线'],
  ['api', 'commit_then_drop', '执行了但没回'], ['api', 'slow', '接口慢 4 秒'], ['api', 'rate', '频率超限 45009'], ['api', 'revoke', '令牌被吊销'],
  ['api', 'kf_empty_page', '客服空页'], ['api', 'kf_undelivered', '客服消息没送到'],
  ['api', 'malformed', '回答被截断'], ['api', 'html', '回答成网页'],
  ['shop', 'duplicate', '商城重复推送'], ['shop', 'lose', '商城推送没送到'], ['shop', 'unheard', '商城没听到回答'],
  ['shop', 'late', '商城晚一分钟推'], ['shop', 'refund_500', '商城退款出错'], ['shop', 'refund_drop', '退了但没回'],
];
const COUNTED = { gettoken: '换取令牌', duplicate_messages: '查重拦下的消息', silent_drops: '超频静默丢弃' };
let drawnFaults = '';

export function drawWorld(state) {
  $('clock').textContent = `沙盒时间 ${new Date(state.clock.now).toLocaleString('zh-CN', { hour12: false })}`;
  const faults = JSON.stringify(state.faults);
  if (faults !== drawnFaults && !$('faults').contains(document.activeElement)) {
    drawnFaults = faults;
    drawFaults(state.faults);
  }
  const counters = Object.entries(state.counters).flatMap(([name, count]) => [el('dt', {}, COUNTED[name] ?? name), el('dd', {}, String(count))]);
  fill($('counters'), ...counters, el('dt', {}, '客户'), el('dd', {}, String(state.customers.length)), el('dt', {}, '在途回调'), el('dd', {}, String(state.in_flight)));
}

function drawFaults(faults) {
  const sliders = FAULTS.map(([group, name, label]) => {
    const output = el('output', {}, percent(faults[group][name]));
    const slider = el('input', { type: 'range', min: 0, max: 1, step: 0.05, value: faults[group][name] });
    slider.addEventListener('input', () => { output.textContent = percent(slider.value); });
    slider.addEventListener('change', () => put({ [group]: { ...faults[group], [name]: Number(slider.value) } }));
    return el('label', {}, el('span', {}, label), slider, output);
  });
  const reorder = el('input', { type: 'checkbox', checked: faults.callback.reorder > 1 });
  reorder.addEventListener('change', () => put({ callback: { ...faults.callback, reorder: reorder.checked ? 5 : 0 } }));
  const shuffled = el('input', { type: 'checkbox', checked: faults.shop.reorder > 1 });
  shuffled.addEventListener('change', () => put({ shop: { ...faults.shop, reorder: shuffled.checked ? 2 : 0 } }));
  const switches = [['untrusted_ip', 'IP 不可信 60020'], ['wrong_secret', 'Secret 失效 40001']].map(([name, label]) => {
    const box = el('input', { type: 'checkbox', checked: faults[name] });
    box.addEventListener('change', () => put({ [name]: box.checked }));
    return el('label', {}, el('span', {}, label), box);
  });
  fill($('faults'), ...sliders, el('label', {}, el('span', {}, '乱序（攒 5 条打乱）'), reorder),
    el('label', {}, el('span', {}, '商城乱序（攒 2 条打乱）'), shuffled), ...switches);
}

const percent = (value) => `${Math.round(value * 100)}%`;

async function put(change) {
  try { drawFaults(await ask('faults', 'PUT', change)); } catch (error) { toast(error.message, true); }
}

export function listen() {
  for (const button of document.querySelectorAll('[data-clock]')) {
    button.addEventListener('click', () => press(button, () => ask('clock', 'POST',
      button.dataset.clock === 'now' ? { now: new Date().toISOString() } : { advance_s: Number(button.dataset.clock) })));
  }
  $('verify').addEventListener('click', (event) => press(event.target, async () => {
    const answer = await ask('verify', 'POST', {});
    toast(answer.ok ? `验证通过，用时 ${answer.ms} 毫秒` : answer.error, !answer.ok);
  }));
  $('burst').addEventListener('click', (event) => press(event.target, async () => {
    const began = performance.now();
    const answer = await ask('burst', 'POST', { customers: 1000, userid: chosenGuide(), same_second: true });
    await ask('flush', 'POST', {});
    toast(`${answer.joined} 人在同一秒添加，全部回调用时 ${((performance.now() - began) / 1000).toFixed(1)} 秒`);
  }));
  $('flush').addEventListener('click', (event) => press(event.target, () => ask('flush', 'POST', {})));
  $('reset').addEventListener('click', (event) => press(event.target, async () => {
    if (window.confirm('沙盒里的客户、导购和消息会清空；机器人的数据库不动。继续？')) await ask('reset', 'POST', {});
  }));
}
