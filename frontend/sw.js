// The page's service worker. It shows the alerts that are pushed to this browser, and stores the
// page's own files, so that the page opens without a connection: those listed in `SHELL`, which
// infra/page_worker.py puts before this source. It stores no prices and no answers of the API.
//
// A page that is opened with a connection loads as it would without a worker, so it never shows an
// earlier deployment's files. Only a page that was opened without one gets its files from here.

const PREFIX = "ticktape-shell-";
const KEPT = PREFIX + SHELL.version;

/** @type {Set<string>} ids of pages that were opened without a connection */
const offline = new Set();

let isOurs = true; // whether the previous worker, if any, was the page's, too

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const { request, clientId } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(opened(event));
  else if (offline.has(clientId) || !navigator.onLine) event.respondWith(kept(request));
});

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(visit(event.notification.data));
});

async function install() {
  const names = await caches.keys();
  isOurs = !registration.active || names.some((name) => name.startsWith(PREFIX));
  const cache = await caches.open(KEPT);
  await cache.addAll(SHELL.files.map((file) => new Request(file, { cache: "no-cache" })));
  await self.skipWaiting();
}

/** Delete files of earlier workers. Pages that another program's worker has shown are reloaded. */
async function activate() {
  for (const name of await caches.keys()) if (name !== KEPT) await caches.delete(name);
  await registration.navigationPreload?.enable();
  await clients.claim();
  if (isOurs) return;
  for (const page of await clients.matchAll({ type: "window" })) page.navigate(page.url);
}

/** @param {FetchEvent} event @returns {Promise<Response>} the page; the stored one if offline */
async function opened({ request, preloadResponse, resultingClientId }) {
  try {
    return (await preloadResponse) ?? (await fetch(request));
  } catch (error) {
    const found = await (await caches.open(KEPT)).match(request, { ignoreSearch: true });
    if (!found) throw error;
    offline.add(resultingClientId);
    return found;
  }
}

/** @param {Request} request @returns {Promise<Response>} a stored file, or from the network */
const kept = async (request) =>
  (await (await caches.open(KEPT)).match(request)) ?? (await fetch(request));

/** @param {PushMessageData} sent see chalicelib/domain/notifications.py */
async function show(sent) {
  const { title, body, tag, hash } = sent.json();
  const icons = { icon: "icons/192.png", badge: "icons/badge.png" };
  await registration.showNotification(title, { ...icons, body, tag, data: hash });
}

/** Open the alert in an open page, or in a new one. @param {string} hash of the page's address */
async function visit(hash) {
  const address = new URL("./" + hash, registration.scope).href;
  for (const page of await clients.matchAll({ type: "window" })) {
    const shown = await page.navigate(address).catch(() => null);
    if (shown) return shown.focus();
  }
  await clients.openWindow(address);
}
