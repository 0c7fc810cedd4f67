// Shows the telephone and the calls to Braze, once a second while the page is visible.

const texts = document.querySelector("#texts");
const calls = document.querySelector("#calls");
const state = document.querySelector("#state");
const language = document.querySelector("#language");

const element = (name, text, ...children) => {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
};

language.addEventListener("click", () => {
  const next = document.documentElement.lang === "en" ? "fr" : "en";
  document.documentElement.lang = next;
  document.querySelector("quikly-activation").lang = next;
  language.lang = next === "en" ? "fr" : "en";
  language.textContent = next === "en" ? "Français" : "English";
});

const answer = async (phone, text) => {
  await fetch("/demo/replies", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ phone, text }),
  });
  await look();
};

const question = (phone) => {
  const button = (text) => {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", () => answer(phone, text));
    return made;
  };
  const answers = element("div", null, button("Y"), button("N"));
  answers.className = "answers";
  return element("li", null, element("span", `To ${phone}: Birch here. Answer Y to get our texts.`), answers);
};

let asked = "";
const showTexts = (phones) => {
  if (phones.join() === asked) return;
  asked = phones.join();
  const nothing = element("li", "No text is waiting for an answer.");
  nothing.className = "none";
  texts.replaceChildren(...(phones.length ? phones.map(question) : [nothing]));
};

const row = (call) => {
  const status = element("td", call.status === 0 ? "no answer" : String(call.status));
  if (call.status === 0 || call.status >= 400) status.className = "failed";
  return element(
    "tr",
    null,
    element("td", new Date(call.at).toLocaleTimeString()),
    element("td", `${call.method} ${call.path}`),
    status,
    element("td", call.summary),
  );
};

const json = async (path) => (await fetch(path, { headers: { accept: "application/json" } })).json();

async function look() {
  try {
    const [last, subscriptions] = await Promise.all([json("/demo/calls"), json("/demo/texts")]);
    calls.replaceChildren(...last.map(row));
    showTexts(subscriptions.prompted.map((one) => one.phone ?? one.contact ?? String(one)));
    state.textContent = last.length ? "The newest call is at the top." : "Nothing was asked yet.";
  } catch {
    state.textContent = "The connector does not answer. What it has accepted is kept; start it again.";
  }
}

const said = document.querySelector("#said");

for (const button of document.querySelectorAll("[data-trouble]")) {
  button.addEventListener("click", async () => {
    const done = await fetch(`/demo/braze/${button.dataset.trouble}`, { method: "POST" }).catch(() => null);
    if (!done?.ok) {
      said.textContent = "The connector does not answer, so nothing was changed.";
      return;
    }
    for (const other of document.querySelectorAll("[data-trouble]")) other.ariaPressed = String(other === button);
    said.textContent = `${button.textContent}, from now on. Take part, and look below.`;
  });
}

let crowds = 0;
document.querySelector("#fifty").addEventListener("click", async () => {
  crowds += 1;
  const come = (_, number) =>
    fetch("/participations", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ scope: "demo-shop", email: `visitor-${Date.now()}-${crowds}-${number}@example.com` }),
    }).then(
      (answer) => answer.ok,
      () => false,
    );
  const accepted = (await Promise.all(Array.from({ length: 50 }, come))).filter(Boolean).length;
  said.textContent = `${accepted} of fifty people were accepted.`;
});

setInterval(() => {
  if (!document.hidden) look();
}, 1000);
look();
