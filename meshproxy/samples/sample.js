"use strict";
// The page's own base, as the browser sees it: everything below works under any route's prefix.
const base = document.body.dataset.base;
const show = (id, text) => { document.getElementById(id).textContent = text; };

const address = new URL(base + "ws", location.href);
address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(address);
socket.onopen = () => show("echoed", "connected");
socket.onmessage = (event) => show("echoed", event.data);
socket.onclose = (event) => show("echoed", `closed (${event.code})`);
document.getElementById("echo").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) socket.send(document.getElementById("message").value);
});

const clock = new EventSource(base + "clock");
clock.onmessage = (event) => show("time", new Date(Number(event.data) * 1000).toISOString());
clock.onerror = () => show("time", "the stream broke off; trying again");

document.getElementById("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = document.getElementById("file").files[0];
  if (!file) return;
  show("uploaded", "…");
  try {
    const answer = await fetch(base + "upload", { method: "POST", body: file });
    show("uploaded", answer.ok ? JSON.stringify(await answer.json()) : `refused: ${answer.status}`);
  } catch (error) {
    show("uploaded", String(error));
  }
});

document.querySelector("[data-json]").addEventListener("click", async (event) => {
  event.preventDefault();
  const answer = await fetch(base, { headers: { Accept: "application/json" } });
  event.target.replaceWith(Object.assign(document.createElement("pre"), { textContent: await answer.text() }));
});
