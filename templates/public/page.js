// Keeps an open page honest: renews it when it changed, and says so when it can no longer be renewed. The page is whole without it.
"use strict";
(() => {
  const every = 30_000;
  const patience = 10_000;
  const say = (id, text) => { const place = document.getElementById(id); if (place.textContent !== text) place.textContent = text; };
  const main = () => document.getElementById("main");
  const seconds = () => performance.now() / 1000;
  const words = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

  let asOf = new Date(main().dataset.asOf);
  let ageThen = Math.max(0, (Date.now() - asOf) / 1000);
  let heardAt = seconds();
  let staleAfter = 300;
  let etag = null;

  // The reader's own clock may be wrong: once the server has answered, only its clock and our stopwatch count.
  const judgeAge = () => {
    const isStale = ageThen + seconds() - heardAt > staleAfter;
    document.documentElement.classList.toggle("stale", isStale);
    say("stale", isStale ? `This page has not been updated since ${words.format(asOf)}, your time. What it shows may no longer be true.` : "");
  };

  // The reader's own time beside the site's and UTC, where it is a third one.
  const showLocally = () => {
    for (const utc of document.querySelectorAll("main .utc:not(.seen)")) {
      const times = [];
      for (let one = utc.previousElementSibling; one?.tagName === "TIME"; one = one.previousElementSibling) times.unshift(one);
      const local = times.map((one) => words.format(new Date(one.dateTime)));
      const isSaid = (hour) => utc.textContent.includes(hour) || times.some((one) => one.textContent.includes(hour));
      utc.classList.add("seen");
      if (local.every((one) => isSaid(one.slice(-5)))) continue;
      utc.classList.add("long");
      utc.textContent = utc.textContent.replace(")", `; ${local.join(" to ")} your time)`);
    }
  };

  const ask = (path) => fetch(path, { cache: "no-cache", signal: AbortSignal.timeout(patience) });

  const renew = async () => {
    const answer = await ask(location.pathname);
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = next.getElementById("main");
    if (!fresh) return;
    const headline = document.getElementById("answer")?.textContent;
    const opened = [...main().querySelectorAll("article[id] details[open]")].map((one) => one.closest("article").id);
    const focused = main().contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    main().replaceWith(document.adoptNode(fresh));
    document.title = next.title;
    for (const id of opened) document.getElementById(id)?.querySelector("details")?.setAttribute("open", "");
    if (focused) main().querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    const now = document.getElementById("answer")?.textContent;
    if (now !== headline) say("said", now);
    showLocally();
  };

  const markChecked = (services) => {
    for (const place of document.querySelectorAll("[data-service]")) {
      const newest = services?.[place.dataset.service];
      const at = newest ? new Date(newest) : null;
      const time = place.querySelector("time");
      if (!at || !time || at <= new Date(time.dateTime)) continue;
      time.dateTime = at.toISOString();
      time.textContent = `${at.toISOString().slice(11, 19)} UTC`;
    }
  };

  const poll = async () => {
    try {
      const answer = await ask("/fresh.json");
      if (!answer.ok) return;
      const fresh = await answer.json();
      const served = new Date(answer.headers.get("Date") ?? Date.now());
      asOf = new Date(fresh.as_of);
      ageThen = Math.max(0, (served - asOf) / 1000);
      heardAt = seconds();
      staleAfter = fresh.stale_after ?? staleAfter;
      const isNews = etag === null ? asOf - new Date(main().dataset.asOf) >= 60_000 : fresh.publication !== etag;
      if (isNews) await renew();
      etag = fresh.publication;
      markChecked(fresh.services);
    } catch (trouble) {
      // No answer is no news: the page's age goes on counting, and beyond the limit it turns grey.
      console.info("status: not renewed", trouble.name);
    } finally {
      judgeAge();
    }
  };

  showLocally();
  poll();
  setInterval(poll, every);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
})();
