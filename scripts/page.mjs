// SPDX-License-Identifier: Apache-2.0
// The page at / in front of a stub of a browser, against a server with API keys: it asks for the key, sends it with its
// requests, and shows results.
//   node scripts/page.mjs URL KEY IMAGE
import assert from 'node:assert';
import { readFileSync } from 'node:fs';

const [url, key, image] = process.argv.slice(2);
const page = await (await fetch(url + '/')).text();
const elements = {};
const element = () => ({ hidden: true, replaceChildren(...children) { this.children = children; } });
const get = id => elements[id] ??= element();
const links = [{ href: url + '/metrics' }];
const store = new Map();
let opened = 0;
const realFetch = fetch;
Object.assign(globalThis, {
  document: { getElementById: get, querySelectorAll: () => links, createElement: element },
  sessionStorage: { getItem: name => store.get(name) ?? null, setItem: (name, value) => store.set(name, value) },
  open: () => opened++,
  fetch: (path, options) => realFetch(new URL(path, url), options),
});
const until = async condition => {
  for (let tries = 0; !condition(); tries++) {
    assert(tries < 500, `waited 10 s in vain for ${condition}; the page says '${get('error').textContent}'`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
};
new Function(page.match(/<script>([\s\S]*)<\/script>/)[1])();
await until(() => !get('ask').hidden);
get('key').value = 'wrong';
get('use').onclick();
assert(get('ask').hidden);
await until(() => !get('ask').hidden);
get('key').value = key;
get('use').onclick();
await until(() => get('keep').max > 1);
assert(get('ask').hidden && get('error').textContent === '' && get('key').value === '');
get('file').files = [new Blob([readFileSync(image)])];
get('file').onchange();
await until(() => get('classes').children?.length === 5 && get('spectrum').innerHTML?.startsWith('<svg'));
assert.match(get('quality').textContent, /psnr/);
await links[0].onclick({ preventDefault() {} });
assert.equal(opened, 1);
