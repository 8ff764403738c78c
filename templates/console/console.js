// Keeps the queue fresh. Without this script the page is whole; it is then as old as its "As of" says.
"use strict";
(() => {
  document.addEventListener("keydown", (event) => {
    const box = document.getElementById("ask-q");
    if (event.key !== "/" || !box || event.ctrlKey || event.metaKey || event.altKey || document.activeElement?.matches("input, select, textarea")) return;
    event.preventDefault();
    box.focus();
  });
  // Ctrl and Enter send the form in which somebody writes, by its first button.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches?.("textarea, input")) return;
    const send = event.target.form?.querySelector("button");
    if (!send) return;
    event.preventDefault();
    event.target.form.requestSubmit(send);
  });

  const live = document.getElementById("live");
  if (!live) {
    document.getElementById("trouble")?.focus();
    return;
  }
  const said = document.getElementById("said");
  const every = 3000;

  const place = () => {
    const at = document.activeElement;
    if (!live.contains(at)) return null;
    return at.id ? `#${CSS.escape(at.id)}` : at.getAttribute("href") ? `a[href="${CSS.escape(at.getAttribute("href"))}"]` : null;
  };

  // A sound and a notification for each new incident, where somebody asked for them in this browser.
  const bell = document.getElementById("bell");
  const isAskedFor = () => bell?.getAttribute("aria-pressed") === "true";
  let sound = null;
  const press = (on) => bell.setAttribute("aria-pressed", String(on));
  const ring = (row) => {
    if (sound) {
      const tone = new OscillatorNode(sound, { frequency: 880 });
      tone.connect(new GainNode(sound, { gain: 0.2 })).connect(sound.destination);
      tone.start();
      tone.stop(sound.currentTime + 0.35);
    }
    if (window.Notification?.permission === "granted") new Notification(row.querySelector("h2").textContent.trim(), { tag: row.id });
  };
  if (bell) {
    bell.hidden = false;
    press(localStorage.getItem("bell") === "on");
    if (isAskedFor()) document.addEventListener("pointerdown", () => (sound ??= new AudioContext()), { once: true });
    bell.addEventListener("click", () => {
      press(!isAskedFor());
      localStorage.setItem("bell", isAskedFor() ? "on" : "off");
      if (!isAskedFor()) return;
      sound ??= new AudioContext();
      window.Notification?.requestPermission();
    });
  }

  const swap = (html) => {
    const known = new Set([...live.querySelectorAll(".row[id]")].map((row) => row.id));
    const before = live.querySelectorAll(".row").length;
    const focus = place();
    live.innerHTML = html;
    if (focus) live.querySelector(focus)?.focus({ preventScroll: true });
    const after = live.querySelectorAll(".row").length;
    document.title = document.title.replace(/^(\(\d+\) )?/, after ? `(${after}) ` : "");
    if (isAskedFor()) live.querySelectorAll(".row[id]").forEach((row) => known.has(row.id) || ring(row));
    if (after > before) said.textContent = `${after} open incidents`;
  };

  // One more caller about the row that has the focus, or about the only one.
  document.addEventListener("keydown", (event) => {
    const at = document.activeElement;
    if (event.key !== "+" || event.ctrlKey || event.metaKey || event.altKey || at?.matches("input, select, textarea")) return;
    const buttons = live.querySelectorAll("[data-plus]");
    const one = at?.closest(".row")?.querySelector("[data-plus]") ?? (buttons.length === 1 ? buttons[0] : null);
    if (!one) return;
    event.preventDefault();
    one.form.requestSubmit(one);
  });

  const look = async () => {
    try {
      const answer = await fetch(live.dataset.live, { headers: { "If-None-Match": live.dataset.version }, redirect: "follow" });
      if (answer.redirected) return location.reload();
      if (answer.status === 200) {
        swap(await answer.text());
        live.dataset.version = answer.headers.get("ETag") ?? "";
      }
      live.classList.remove("away");
    } catch {
      live.classList.add("away");
    }
    setTimeout(look, document.hidden ? every * 5 : every);
  };
  setTimeout(look, every);
})();
