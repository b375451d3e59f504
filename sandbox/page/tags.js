// 企业客户标签: what an admin does to the library.

import { $, action, ask, el, fill, toast } from './dom.js';

export function drawTags(state) {
  const rows = state.tags.flatMap((group) => group.tag.map((tag) => el('div', { class: 'item' },
    el('p', {}, `${group.group_name} / ${tag.name}`, el('small', {}, `${tag.on} 位客户`)),
    action('改名', async () => {
      const name = window.prompt('新名字（最长 30 个字）', tag.name);
      if (name) await ask(`tags/${tag.id}/rename`, 'POST', { name });
    }, 'plain'),
    action('删除', () => ask(`tags/${tag.id}/delete`, 'POST', {}), 'danger'))));
  fill($('corp-tags'), ...(rows.length ? rows : [el('p', { class: 'empty' }, '还没有企业标签')]));
}

export function listen(redraw) {
  $('corp-tag-new').addEventListener('click', async () => {
    const typed = window.prompt('新标签，写「组/标签」', '偏好/羊绒');
    if (!typed) return;
    const [group, ...rest] = typed.split('/');
    try {
      await ask('tags', 'POST', { group_name: group.trim(), name: rest.join('/').trim() });
      redraw();
    } catch (error) { toast(error.message, true); }
  });
}
