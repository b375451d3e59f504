// 客户群: who is in, who brought whom, ways in. And the app's menu under a guide's chat.

import { $, action, ask, clockText, el, fill, press, qrLike } from './dom.js';
import { attached, chosenCustomer, chosenGuide } from './people.js';

const opened = new Set(); // what is unfolded stays so when the page is drawn anew
const SCENES = { 1: '邀请', 2: '链接', 3: '扫码' };

function folded(key, title, ...children) {
  const node = el('details', { class: 'group', open: opened.has(key) }, el('summary', {}, title), ...children);
  node.addEventListener('toggle', () => { opened[node.open ? 'add' : 'delete'](key); });
  return node;
}

export function drawGroups(state) {
  const names = Object.fromEntries([
    ...state.customers.map((one) => [one.external_userid, one.name]), ...state.guides.map((one) => [one.userid, one.name]),
  ]);
  const groups = state.groups.map((group) => folded(group.chat_id, `${group.name} · ${group.members.length} 人`,
    ...(group.posts ?? []).slice(-5).map((post) => el('div', { class: 'item' }, el('p', {}, post.text, el('small', {}, `${clockText(post.at)} ${names[post.userid] ?? post.userid} 群发`, ...post.attachments.map((item) => ` ${attached(item)}`))))),
    ...group.members.map((member) => memberLine(group, member, names)),
    el('div', { class: 'row' }, ...groupActions(group, names))));
  fill($('groups'), ...(groups.length ? groups : [el('p', { class: 'empty' }, '还没有客户群')]));
  const ways = state.join_ways.map((way) => el('div', { class: 'way' }, qrLike(way.config_id),
    el('p', {}, way.remark || way.state, el('small', {}, `入群方式 ${way.state} · 来了 ${way.came} 人`)),
    action('扫码入群', () => ask(`join_ways/${way.config_id}/scan`, 'POST', { external_userid: someone(state, null) }))));
  fill($('join-ways'), ...(ways.length ? ways : [el('p', { class: 'empty' }, '还没有入群方式')]));
}

function memberLine(group, member, names) {
  const by = member.invitor ? `${names[member.invitor.userid] ?? member.invitor.userid} 邀请` : '群主';
  const how = member.type === 1 ? '员工' : [SCENES[member.join_scene], by, member.state ? `来自 ${member.state}` : ''].filter(Boolean).join(' · ');
  const acts = member.type === 1 ? [] : [
    action('说话', () => ask(`groups/${group.chat_id}/say`, 'POST', { external_userid: member.userid }), 'plain'),
    action('退群', () => ask(`groups/${group.chat_id}/leave`, 'POST', { external_userid: member.userid }), 'plain'),
    action('移出', () => ask(`groups/${group.chat_id}/leave`, 'POST', { external_userid: member.userid, quit_scene: 1 }), 'danger'),
  ];
  return el('div', { class: 'item' }, el('p', {}, member.name ?? names[member.userid] ?? member.userid, el('small', {}, how)), ...acts);
}

function groupActions(group, names) {
  const last = [...group.members].reverse().find((member) => member.type === 2);
  const outside = (state) => someone(state, group);
  const join = async (fields) => ask(`groups/${group.chat_id}/join`, 'POST', { external_userid: outside(await ask('state')), ...fields });
  return [
    action('群主邀请', () => join({ join_scene: 1 }), 'plain'),
    last ? action(`${names[last.userid] ?? '群友'}邀请`, () => join({ join_scene: 1, invitor: last.userid }), 'plain') : null,
    action('扫群码', () => join({ join_scene: 3 }), 'plain'),
  ].filter(Boolean);
}

// The chosen customer, or the first one who is not in yet.
function someone(state, group) {
  const inside = new Set((group ? [group] : state.groups).flatMap((one) => one.members.map((member) => member.userid)));
  const outside = state.customers.map((one) => one.external_userid).filter((id) => !inside.has(id));
  const found = outside.includes(chosenCustomer()) ? chosenCustomer() : outside[0];
  if (!found) throw new Error('所有客户都在群里了，先建一位新客户');
  return found;
}

export function drawMenu(state) {
  const tap = (button) => action(button.name, () => ask(`guides/${chosenGuide()}/click`, 'POST', { key: button.key }), 'plain');
  const tops = state.menu.map((button) => (button.sub_button?.length
    ? folded(`menu ${button.name}`, button.name, ...button.sub_button.map(tap)) : tap(button)));
  $('app-menu').hidden = !tops.length;
  fill($('app-menu'), ...tops);
}

export function listen() {
  $('group-new').addEventListener('click', (event) => press(event.target, async () => {
    const name = window.prompt('客户群叫什么？', '新客户群');
    if (name) await ask('groups', 'POST', { name, owner: chosenGuide() });
  }));
}
