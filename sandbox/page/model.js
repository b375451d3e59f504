// 语言模型: how the vendor behaves, and what left the bot.

import { $, ask, clockText, el, fill, toast } from './dom.js';

const MODES = {
  normal: '正常：按给它的资料回答', slow: '慢：很久才答', garbage: '胡言乱语', hostile: '敌对：照着输入里的指令做', limited: '限流 429',
  bad_gateway: '502 网页', page: '地址不对：回一个网页', no_choices: '欠费：choices 为空', empty: '空回答', cut: '回答被截断', thinking: '先想一遍再答', filtered: '被内容过滤',
};
const WAYS = { tools: '说自己发了券、退了款', leak: '泄露提示词和别人的资料', invent: '编价格、时间、承诺' };
const SWITCHES = { no_schema: '不支持 json_schema', no_object: '不支持 json_object' };

export function drawModel(state) {
  const model = state.model;
  choose($('model-mode'), model.modes, model.mode, MODES);
  choose($('model-way'), model.ways, model.way, WAYS);
  $('model-way').hidden = model.mode !== 'hostile';
  if (!$('model-switches').contains(document.activeElement)) {
    fill($('model-switches'), ...Object.entries(SWITCHES).map(([name, label]) => {
      const box = el('input', { type: 'checkbox', checked: model[name] });
      box.addEventListener('change', () => put({ [name]: box.checked }));
      return el('label', {}, el('span', {}, label), box);
    }));
  }
  $('model-count').textContent = model.requests
    ? `被问 ${model.requests} 次，拒绝 ${model.refused} 次；进 ${model.tokens_in}、出 ${model.tokens_out} token`
    : '机器人还没有问过它：演示默认不用模型，加 --model 启动就会问这里';
  fill($('model-talks'), ...model.talks.slice(0, 5).map((talk) => el('details', { class: 'item' },
    el('summary', {}, `${clockText(talk.at)} ${MODES[talk.mode] ?? talk.mode} · ${talk.form}`),
    el('small', {}, '离开机器人的数据'), el('pre', {}, talk.user), el('small', {}, '它的回答'), el('pre', {}, talk.answer))));
}

function choose(box, values, chosen, labels) {
  if (document.activeElement === box) return;
  fill(box, ...values.map((value) => el('option', { value, selected: value === chosen }, labels[value] ?? value)));
}

async function put(change) {
  try { await ask('model', 'POST', change); } catch (error) { toast(error.message, true); }
}

export function listen() {
  $('model-mode').addEventListener('change', (event) => put({ mode: event.target.value }));
  $('model-way').addEventListener('change', (event) => put({ way: event.target.value }));
}
