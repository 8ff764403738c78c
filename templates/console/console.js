// Keeps queue, wall and cards fresh. Without this script a page is whole; it is then as old as its "As of" says.
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
  const toldEvery = 15000; // while somebody tells us, we ask for the passing of time alone
  const believedFor = 40000;
  const refusedFor = 120000;

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

  // A card is renewed part by part. What somebody is busy with stays as it is: where they write, what they opened, what has the focus.
  const given = (field) => ([...field.options].find((one) => one.defaultSelected) ?? field.options[0])?.value;
  const isTouched = (field) => (field.matches("select") ? field.value !== given(field)
    : field.matches("[type=checkbox]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  const isInUse = (part) => part.contains(document.activeElement) || part.querySelector("details[open]")
    || [...part.querySelectorAll("textarea, input, select")].some(isTouched);
  const nameOf = (part) => part.getAttribute("aria-labelledby") ?? part.className;
  const renew = (old, fresh, isWhole) => {
    const gone = new Map([...old.children].map((part) => [nameOf(part), part]));
    let before = null;
    for (const part of [...fresh.children]) {
      const was = gone.get(nameOf(part));
      gone.delete(nameOf(part));
      if (was && isWhole) renew(was, part, false);
      else if (was && !was.isEqualNode(part) && !isInUse(was)) was.replaceWith(part);
      else if (!was && before) before.after(part);
      else if (!was) old.prepend(part);
      before = was?.isConnected ? was : part;
    }
    gone.forEach((part) => isInUse(part) || part.remove());
  };
  const parts = (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const newest = () => document.querySelector(".timeline .line")?.textContent ?? "";
    const fresh = page.getElementById("live");
    if (!fresh) return;
    const heard = newest();
    document.querySelector(".headline").replaceWith(page.querySelector(".headline"));
    renew(live, fresh, true);
    if (newest() !== heard) said.textContent = newest();
  };

  const isCard = live.hasAttribute("data-parts");
  const ask = async () => {
    try {
      const known = isCard ? {} : { "If-None-Match": live.dataset.version };
      const answer = await fetch(isCard ? location.pathname + location.search : live.dataset.live, { headers: known, redirect: "follow" });
      if (answer.redirected) return location.reload();
      if (answer.status === 200) {
        (isCard ? parts : swap)(await answer.text());
        live.dataset.version = answer.headers.get("ETag") ?? "";
      }
      live.classList.remove("away");
    } catch {
      live.classList.add("away");
    }
    plan();
  };

  // Told by a stream while the page can be seen; where there is none, or it falls silent, the page asks by itself.
  let next = 0, stream = null, heardAt = 0, refusedUntil = 0;
  const isTold = () => stream?.readyState === EventSource.OPEN && Date.now() - heardAt < believedFor;
  const plan = (within = isTold() || document.hidden || isCard ? toldEvery : every) => {
    clearTimeout(next);
    next = setTimeout(ask, within);
    if (stream && heardAt && Date.now() - heardAt > believedFor) leave(refusedFor);
    listen();
  };
  const leave = (quiet = 0) => {
    stream?.close();
    stream = null;
    refusedUntil = Date.now() + quiet;
  };
  const listen = () => {
    if (stream || document.hidden || !window.EventSource || Date.now() < refusedUntil) return;
    heardAt = Date.now();
    stream = new EventSource(live.dataset.events);
    stream.addEventListener("open", () => plan(0)); // what was missed meanwhile
    stream.addEventListener("alive", () => { heardAt = Date.now(); });
    stream.addEventListener("changed", ({ data }) => {
      heardAt = Date.now();
      plan(Math.random() * JSON.parse(data).within * 1000);
    });
    stream.addEventListener("error", () => {
      if (stream?.readyState !== EventSource.CLOSED) return plan(); // a line that broke is taken up again by the browser itself
      leave(refusedFor);
      plan(0); // perhaps the session is over: then this leads to the login
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
    plan(document.hidden ? toldEvery : 0);
  });
  addEventListener("pagehide", () => leave());
  addEventListener("pageshow", ({ persisted }) => { if (persisted) plan(0); });
  plan(every);
})();
