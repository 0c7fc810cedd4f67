import { connect, QuiklyError, type Activation, type Asked, type Client, type Counters, type Participation, type Retry } from "@quikly/participate";
import { h, real, type Child } from "./dom.js";
import type { QuiklyEvents } from "./events.js";
import { Form, type Way } from "./form.js";
import style from "./style.css?raw";
import { fill, load, textsOf } from "./languages.js";
import { en, type Texts } from "./texts.js";

export type { QuiklyEvents } from "./events.js";

/** The views in which a clock runs. */
type View = Activation["phase"] | "";

/** Counters are read out at most this often. */
const ANNOUNCED_EVERY = 10_000;

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/**
 * An activation on a page: countdown, what is left, the form, and the result.
 *
 * `base` is the server, `scope` the activation, `incentive` the one whose counter is shown (the first, unless told otherwise), and `lang`
 * the language. `text-id` names the consent's text in the slots `consent` and `consent-sms`, and `label-NAME` is the label of an attribute.
 * `participation` is the id of one whose result is shown: that of a consumer who has taken part in the brand's app, for example.
 */
export class QuiklyActivation extends HTMLElement {
  static readonly observedAttributes = ["base", "scope", "incentive", "lang", "text-id", "participation"];

  readonly #view = h("div", { part: "body" });
  readonly #live = h("p", { "aria-live": "polite" });
  #ends: AbortController | undefined;
  #client!: Client;
  #activation!: Activation;
  #counters: Pick<Counters, "quantity" | "remaining"> | undefined;
  #form: Form | undefined;
  #shown: View = "";
  #announced = 0;
  #outcome = "";

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(h("section", { part: "element" }, this.#view, this.#live));
  }

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#ends?.abort();
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null) {
    if (this.#ends && before !== after) this.#start();
  }

  get #lang(): string {
    return this.closest<HTMLElement>("[lang]")?.lang || navigator.language;
  }

  get #t(): Texts {
    return textsOf(this.#lang);
  }

  get #scope(): string {
    return this.getAttribute("scope") ?? "";
  }

  #number(value: number): string {
    return value.toLocaleString(this.#lang);
  }

  #moment(words: string, at: string): string {
    return `${words} ${new Date(at).toLocaleString(this.#lang, { dateStyle: "full", timeStyle: "short" })}`;
  }

  #tell<K extends keyof QuiklyEvents>(name: K, detail: Omit<QuiklyEvents[K], "scope">) {
    this.dispatchEvent(new CustomEvent(name, { detail: { scope: this.#scope, ...detail }, bubbles: true, composed: true }));
  }

  /** Does what takes a while, and says so if it fails. What the page has ended by then says nothing. */
  #do(work: (signal: AbortSignal) => Promise<unknown>) {
    const { signal } = this.#ends!;
    work(signal).catch((error: unknown) => signal.aborted || this.#fail(error));
  }

  #start() {
    this.#ends?.abort();
    this.#ends = new AbortController();
    this.#shown = this.#outcome = "";
    this.#form = this.#counters = undefined;
    this.#client = connect(this.getAttribute("base") ?? "");
    this.#do((signal) => this.#run(signal));
  }

  async #run(signal: AbortSignal) {
    const ticks = setInterval(() => this.#tick(), 1000);
    signal.addEventListener("abort", () => clearInterval(ticks));
    await this.#load(signal);
    this.#tell("quikly:shown", { phase: this.#activation.phase });
    const id = this.getAttribute("participation") ?? kept(this.#scope);
    if (id) {
      try {
        return await this.#follow(id, signal);
      } catch (error) {
        if ((error as QuiklyError).status !== 404) throw error;
        kept(this.#scope, "");
      }
    }
    this.#draw();
  }

  async #load(signal: AbortSignal) {
    const texts = load(this.#lang);
    const onRetry = async (retry: Retry) => {
      await texts;
      if (!signal.aborted) this.#wait(retry);
    };
    try {
      this.#activation = await this.#client.activation(this.#scope, { signal, onRetry });
    } finally {
      // What a failure says is in the page's language, too.
      await texts;
    }
    signal.throwIfAborted();
    this.#count();
    const { incentives } = this.#activation;
    const incentive = this.getAttribute("incentive") ?? incentives[0]?.id;
    this.#counters = incentives.find(({ id }) => id === incentive);
    if (incentive && this.#phase === "open") this.#watch(incentive, signal).catch(() => {});
  }

  async #watch(incentive: string, signal: AbortSignal) {
    for await (const counters of this.#client.watch(this.#scope, incentive, { signal })) {
      this.#counters = counters;
      this.#count();
    }
  }

  get #phase(): Activation["phase"] {
    const now = this.#client.now();
    const { opens, closes } = this.#activation;
    return now < Date.parse(opens) ? "upcoming" : now < Date.parse(closes) ? "open" : "closed";
  }

  /** Shows a view. Focus stays in the element. */
  #show(view: View, ...children: Child[]) {
    if (view === "open" && this.#shown === view) return;
    const had = this.shadowRoot?.activeElement;
    this.#shown = view;
    this.#view.lang = this.#t === en ? "en" : "fr";
    this.#view.className = "";
    this.#view.replaceChildren(...real(children));
    const heading = this.#view.querySelector("h2");
    this.#live.textContent = heading?.textContent ?? "";
    if (had && heading) {
      heading.tabIndex = -1;
      heading.focus();
    }
  }

  #draw() {
    const t = this.#t;
    const phase = this.#phase;
    if (phase === "upcoming") {
      this.#show("upcoming", h("h2", {}, this.#moment(t.opens_, this.#activation.opens)), h("div", { class: "clock", role: "timer" }), text(t.notYet_), this.#head());
    } else if (phase === "closed") {
      this.#closed(this.#activation.closes);
    } else {
      this.#form ??= new Form(this.#activation, t, this, (asked, way) => this.#do((signal) => this.#send(asked, way, signal)));
      this.#show("open", this.#head(), h("div", { class: "bar", part: "bar" }, h("i")), this.#form.ways_[0] ? this.#form.node_ : h("slot"));
    }
    this.#tick();
    this.#count();
  }

  #head(): Node {
    return h("div", { class: "head", part: "head" }, h("b", { class: "left" }), h("span", { class: "until", role: "timer" }));
  }

  /** Brings the clock up to date. */
  #tick() {
    if (!this.#shown) return;
    const phase = this.#phase;
    if (this.#shown !== phase) {
      const signal = this.#ends?.signal;
      this.#shown = "";
      if (signal && phase === "open") this.#load(signal).then(() => this.#draw(), () => this.#draw());
      else if (!this.#form?.busy_) this.#draw();
      return;
    }
    const t = this.#t;
    const s = seconds(Date.parse(this.#activation[phase === "open" ? "closes" : "opens"]) - this.#client.now());
    const parts = [s / 86_400, (s / 3600) % 24, (s / 60) % 60, s % 60].map(Math.floor);
    const two = (value: number) => String(value).padStart(2, "0");
    const clock = this.#view.querySelector(".clock");
    const shown = parts.map((value, place) => h("div", {}, h("b", {}, two(value)), h("span", {}, t.units_[place])));
    clock?.replaceChildren(...shown.slice(parts[0] ? 0 : 1));
    const until = this.#view.querySelector(".until");
    // A close that is years away is nothing to count down to.
    if (until && phase === "open" && s < 100 * 86_400) {
      const days = parts[0] ? `${this.#number(parts[0])} ${t.units_[0]} ` : "";
      until.replaceChildren(`${t.closes_} `, h("b", {}, days + parts.slice(1).map(two).join(":")));
    }
  }

  /** Brings the counter up to date. */
  #count() {
    const left = this.#view.querySelector(".left");
    const bar = this.#view.querySelector<HTMLElement>(".bar");
    const { quantity, remaining } = this.#counters ?? {};
    if (!left || quantity == null || remaining == null) {
      bar?.remove();
      return;
    }
    const t = this.#t;
    const words = remaining ? fill(t.left_, this.#number(remaining), this.#number(quantity)) : fill(t.none_, this.#number(quantity));
    if (left.textContent === words) return;
    left.textContent = words;
    if (bar) (bar.firstChild as HTMLElement).style.width = `${(100 * remaining) / quantity}%`;
    if (Date.now() - this.#announced > ANNOUNCED_EVERY) {
      this.#announced = Date.now();
      this.#live.textContent = words;
    }
  }

  /** A request is sent again after a while. The form keeps what was typed. */
  #wait({ inMs, error }: Retry) {
    const t = this.#t;
    const until = Date.now() + inMs;
    const line = text("");
    const count = () => {
      line.textContent = fill(t.next_, this.#number(seconds(until - Date.now())));
      if (!line.isConnected) clearInterval(ticks);
    };
    if (error.status) this.#say(t.busy_, line);
    else this.#bad(t.offline_, line);
    const ticks = setInterval(count, 500);
    count();
  }

  async #send(asked: Asked, way: Way, signal: AbortSignal) {
    this.#form?.wait_(true);
    this.#tell("quikly:submitted", { way });
    const { id, position, repeat } = await this.#client.participate(asked, { signal, onRetry: (retry) => this.#wait(retry) });
    this.#tell("quikly:accepted", { way, repeat });
    if (!id) return this.#say(this.#t.already_);
    kept(this.#scope, id);
    this.#on(position);
    await this.#follow(id, signal);
  }

  #place(position: number | null | undefined, limit?: string): Child[] | undefined {
    return position ? big(this.#t.place_, this.#number(position), limit) : undefined;
  }

  /** The outcome is not known yet. */
  #on(position: number | null | undefined, limit?: string, slot?: Node) {
    const t = this.#t;
    this.#say(this.#place(position, limit) ?? t.on_, text(t.soon_), slot);
  }

  #follow(id: string, signal: AbortSignal) {
    return this.#client.result(id, { signal, onChange: (participation) => this.#result(participation) });
  }

  #result(participation: Participation) {
    const { outcome, final, state, position, waiting, waiting_at_least: ahead, quantity, reward, no_reward: why, ticket, answer_by: by } = participation;
    const t = this.#t;
    const told = outcome + final;
    if (told !== this.#outcome) this.#tell("quikly:result", { outcome, final });
    this.#outcome = told;
    const limit = quantity ? `${t.of_} ${this.#number(quantity)}` : undefined;
    const slot = h("slot", { name: outcome });
    if (outcome === "won") this.#say(this.#place(position, limit) ?? t.won_, this.#code(reward), slot);
    else if (outcome === "waiting") this.#say(big(fill(t.none_, this.#number(quantity ?? 0)), this.#number(waiting ?? ahead ?? 0), waiting ? t.line_ : t.ahead_), text(t.waiting_), slot);
    else if (outcome === "entered") {
      const drawn = this.#activation.incentives.find(({ id }) => id === participation.incentive)?.drawn_by;
      this.#say(ticket ? big(t.ticket_, ticket.slice(0, 8)) : t.entered_, drawn && text(this.#moment(t.drawn_, drawn)), slot);
    } else if (outcome === "nothing") this.#say(t.nothing_, text(t.reasons_[why!] ?? ""), this.#code(reward), slot);
    else if (outcome === "refused") this.#say(t.refused_, slot);
    else if (state === "awaiting_opt_in") {
      const mail = this.#activation.ways.some(({ way, answer_within_s: within }) => way === "email" && within);
      this.#say(mail ? t.confirm_ : t.answer_, by && text(this.#moment(t.until_, by) + "."), h("slot", { name: "answer" }));
    } else this.#on(position, limit, slot);
  }

  #code(reward: unknown): Node | undefined {
    if (reward === null || reward === undefined) return undefined;
    const t = this.#t;
    const code = `${reward}`;
    const copied = () => (button.textContent = this.#live.textContent = t.copied_);
    const copy = () => navigator.clipboard?.writeText(code).then(copied, () => {});
    const button = h("button", { part: "copy", click: copy }, t.copy_);
    return h("div", { class: "code", part: "code" }, h("code", {}, code), button);
  }

  #fail(error: unknown) {
    const t = this.#t;
    const { code, status, fields, opensAt, closedAt } = error instanceof QuiklyError ? error : new QuiklyError(0);
    this.#tell("quikly:error", { code, status, fields: fields.map(({ field, code }) => ({ field, code })) });
    this.#form?.wait_(false);
    if (closedAt) this.#closed(closedAt);
    else if (opensAt) this.#say(this.#moment(t.opens_, opensAt));
    else if (code === "activation-full" || status === 404) this.#say(status === 404 ? t.gone_ : t.full_);
    else {
      if (this.#form && fields.length) {
        this.#draw();
        if (this.#form.fail_(fields)) return;
      }
      const again = () => (this.#form ? this.#draw() : this.#start());
      this.#bad(t.failed_, h("button", { click: again }, t.again_));
    }
  }

  #closed(at: string) {
    this.#say(this.#t.over_, text(this.#moment(this.#t.closed_, at)), h("slot", { name: "closed" }));
  }

  /** Shows a heading and what is under it. */
  #say(heading: string | Child[], ...children: Child[]) {
    this.#show("", h("h2", {}, ...[heading].flat()), ...children);
  }

  #bad(heading: string, ...children: Child[]) {
    this.#say(heading, ...children);
    this.#view.className = "bad";
  }
}

/** Whole seconds, of which the last one counts. */
const seconds = (ms: number) => Math.max(0, Math.ceil(ms / 1000));

const text = (words: string) => h("p", { class: "sm" }, words);

/** A place is the largest thing on the page. */
const big = (above: string, value: string, beside?: string): Child[] => [h("span", { class: "sm" }, above), " ", h("span", { part: "place" }, value), " ", h("small", {}, beside)];

/** Only the id of the participation is kept, and only for this tab. Where storage is blocked, it is not, and the result is shown until the page is left. */
const kept = (scope: string, id?: string): string | null | void => {
  const name = `quikly:${scope}`;
  try {
    return id === undefined ? sessionStorage.getItem(name) : sessionStorage.setItem(name, id);
  } catch {}
};

if (!customElements.get("quikly-activation")) customElements.define("quikly-activation", QuiklyActivation);
