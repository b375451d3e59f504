// Small helpers: elements by textContent only, requests with plain errors, buttons that cannot be pressed twice.

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') node.addEventListener('click', value);
    else if (name === 'class') node.className = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...children);
}

export function toast(text, bad = false) {
  const node = el('p', { class: bad ? 'toast bad' : 'toast' }, text);
  $('toasts').append(node);
  setTimeout(() => node.remove(), 6000);
}

export async function ask(path, method = 'GET', body = undefined) {
  let response;
  try {
    response = await fetch('/__sandbox/' + path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error('沙盒没有回答：看看终端里它是不是还在运行');
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message || `沙盒回答了 ${response.status}`);
  return answer;
}

// Runs `work` once per press: the button rests until it is done, and a failure is said, not swallowed.
export async function press(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(error.message, true);
  } finally {
    button.disabled = false;
  }
}

export function action(label, work, kind = '') {
  const button = el('button', { class: kind, type: 'button' }, label);
  button.addEventListener('click', () => press(button, work));
  return button;
}

export function clockText(iso) {
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? '' : moment.toLocaleTimeString('zh-CN', { hour12: false });
}

// A drawing in the manner of a QR code, from the text itself. It cannot be scanned: here a button does that.
export function qrLike(text) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 11 11');
  svg.setAttribute('class', 'qr');
  svg.setAttribute('aria-hidden', 'true');
  let seed = [...text].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) >>> 0, 7);
  const dot = (x, y) => {
    const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    for (const [name, value] of Object.entries({ x, y, width: 1, height: 1 })) rect.setAttribute(name, value);
    svg.append(rect);
  };
  const corner = (x, y) => (x < 3 || x > 7) && y < 3 || x < 3 && y > 7;
  for (let y = 0; y < 11; y++) for (let x = 0; x < 11; x++) {
    seed = (seed * 1103515245 + 12345) >>> 0;
    const inside = [1, 9].includes(x) && [1, 9].includes(y);
    if (corner(x, y) ? !inside : (seed >>> 16) & 1) dot(x, y);
  }
  return svg;
}
