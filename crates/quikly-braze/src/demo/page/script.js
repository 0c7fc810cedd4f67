// Shows the telephone, the participations and the calls to Braze, once a second while the page is visible.

const find = (id) => document.getElementById(id);
const words = JSON.parse(find("words").textContent);
const language = document.documentElement.lang;
const widget = document.querySelector("quikly-activation");

const say = (text, ...values) => text.replace(/\{(\d)\}/g, (_, place) => values[place]);
const clock = (at) => new Date(at).toLocaleTimeString(language);

/** Makes an element. Texts become text nodes. */
const made = (name, text, ...children) => {
  const element = document.createElement(name);
  element.append(...(text ? [text] : []), ...children.filter(Boolean));
  return element;
};

const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) }).catch(() => null);

/** Replaces the children of a list only where they changed, so that what is open stays open. */
const show = (list, shown, make) => {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const children = shown.map((one) => {
    const text = JSON.stringify(one);
    const key = one.id ?? text;
    const before = old.get(key);
    if (before?.dataset.text === text) return before;
    const child = make(one);
    Object.assign(child.dataset, { key, text });
    const details = before?.querySelector("details");
    if (details?.open) child.querySelector("details").open = true;
    return child;
  });
  if (children.length !== list.children.length || children.some((child, place) => child !== list.children[place])) list.replaceChildren(...children);
};

const none = (text) => {
  const element = made("li", text);
  element.className = "none";
  return element;
};

const question = ({ phone }) => {
  const answer = (text) => {
    const button = made("button", text);
    button.type = "button";
    button.addEventListener("click", async () => {
      await post("/demo/replies", { phone, text });
      await look();
    });
    return button;
  };
  const answers = made("div", null, answer("Y"), answer("N"));
  answers.className = "answers";
  return made("li", null, made("span", say(words.question, phone)), answers);
};

const step = ({ at, after, what, why, took, times }) => {
  const text = [why ? `${what}: ${why}` : what, took && say(words.took, took), times && say(words.times, times)].filter(Boolean).join(" · ");
  const when = made("span", after ?? (at ? clock(at) : ""));
  when.className = "when";
  return made("li", null, when, made("span", text));
};

const callOfOne = ({ at, path, status, took, why }) => {
  const when = made("span", clock(at));
  when.className = "when";
  return made("li", null, when, made("span", [path, status ?? words.noAnswer, took, why].filter(Boolean).join(" · ")));
};

const participation = ({ at, contact, answer, position, waits, ended, steps, calls }) => {
  const summary = made("summary", null, made("span", clock(at)), made("b", contact ?? ""), position && made("span", say(words.place, position)), waits && made("em", say(words.waits, waits)));
  const timeline = made("ol", null, ...steps.map(step));
  const about = calls.length > 0 && made("ol", null, ...calls.map(callOfOne));
  const said = made("p", answer);
  const one = made("li", null, made("details", null, summary, timeline, about), said);
  if (!ended) one.className = "under-way";
  return one;
};

const call = ({ at, path, status, failed, objects, took, why }) => {
  const answered = made("td", status ? String(status) : words.noAnswer);
  if (failed) answered.className = "failed";
  answered.title = why ?? "";
  return made("tr", null, made("td", clock(at)), made("td", path), answered, made("td", String(objects)), made("td", took));
};

async function look() {
  let live;
  try {
    live = await (await fetch(`/demo/live?lang=${language}`)).json();
  } catch {
    find("connector").textContent = words.demoGone;
    return;
  }
  const texts = live.texts.map((one) => ({ phone: one.phone ?? one.contact ?? String(one) }));
  if (texts.length) show(find("texts"), texts, question);
  else show(find("texts"), [{ id: "none" }], () => none(words.noText));
  if (live.participations?.length) show(find("participations"), live.participations, participation);
  else show(find("participations"), [{ id: "none" }], () => none(live.unreadable ?? words.nobody));
  find("calls").replaceChildren(...(live.calls ?? []).map(call));
  find("asked").textContent = live.calls?.length ? "" : words.nothingAsked;
  const state = live.runs ? words.running : words.stopped;
  if (find("connector").textContent !== state) find("connector").textContent = state;
  find("kill").disabled = !live.runs;
  find("start").disabled = live.runs;
}

const said = (text) => {
  find("said").textContent = text;
};

for (const button of document.querySelectorAll("[data-trouble]")) {
  button.addEventListener("click", async () => {
    const done = await post(`/demo/braze/${button.dataset.trouble}`);
    if (!done?.ok) return said(words.demoGone);
    for (const other of document.querySelectorAll("[data-trouble]")) other.ariaPressed = String(other === button);
    said(say(words.fromNowOn, button.textContent));
  });
}

find("merge").addEventListener("click", async () => {
  const done = await post("/demo/merges");
  said(done?.ok ? words.merged : done?.status === 409 ? words.nobodyToMerge : words.demoGone);
});

find("kill").addEventListener("click", async () => {
  const done = await post("/demo/connector/kill");
  said(done?.ok ? words.killed : words.demoGone);
  await look();
});

find("start").addEventListener("click", async () => {
  const done = await post("/demo/connector/start");
  said(done?.ok ? words.started : done ? words.notStarted : words.demoGone);
  await look();
});

let crowds = 0;
find("fifty").addEventListener("click", async () => {
  crowds += 1;
  const come = (_, number) =>
    post(`${widget.getAttribute("base")}/participations`, { scope: "demo-shop", email: `visitor-${Date.now()}-${crowds}-${number}@example.com` });
  const answers = await Promise.all(Array.from({ length: 50 }, come));
  said(say(words.crowd, answers.filter((answer) => answer?.ok).length));
});

setInterval(() => {
  if (!document.hidden) look();
}, 1000);
look();
