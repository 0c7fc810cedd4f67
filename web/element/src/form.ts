import type { Activation, Asked, FieldFault } from "@quikly/participate";
import { h } from "./dom.js";
import type { Texts } from "./texts.js";

type Attribute = Activation["attributes"][number];
export type Way = "email" | "sms";

const AUTOCOMPLETE: Record<string, string> = { first_name: "given-name", last_name: "family-name", dob: "bday", home_city: "address-level2", country: "country" };

/** What the form needs of the element around it. */
export interface Surroundings {
  activation: Activation;
  texts: Texts;
  /** The label that the page gives an attribute. */
  label: (name: string) => string | null;
  /** The id of the consent's text that the page shows. */
  textId: string | null;
  send: (asked: Asked, way: Way) => void;
}

/** The sentence for a field's code. Codes that have none get a general one. */
const sentence = (t: Texts, { code, params }: FieldFault): string => {
  if (/missing|empty/.test(code)) return t.needed;
  if (params?.longest && code !== "attribute_range") return t.longest(String(params.longest));
  if (code === "phone-other-country") return t.country;
  return code.startsWith("phone-") && code !== "phone-invalid" ? t.notPhone : t.wrong;
};

/** A form of the ways and attributes of an activation. */
export class Form {
  readonly node = h("form", { novalidate: true, part: "form", submit: (event) => this.#submit(event) });
  readonly #fields = new Map<string, HTMLElement>();
  readonly #button: HTMLButtonElement;
  readonly #ways: Way[];
  #way: Way;
  busy = false;

  constructor(readonly around: Surroundings) {
    const { activation, texts: t } = around;
    const can = (way: Way) => activation.ways.some((known) => known.way === way);
    this.#ways = (["email", "sms"] as const).filter(can);
    this.#way = this.#ways[0] ?? "email";
    this.#button = h("button", { type: "submit", part: "button" }, t.send);
    this.#build();
  }

  #build() {
    const { activation, texts: t } = this.around;
    const rules = activation.consent;
    const parts: Node[] = [];
    this.#fields.clear();
    if (this.#ways.length > 1) parts.push(this.#choice());
    const byPhone = this.#way === "sms";
    if (byPhone) parts.push(this.#text("phone", t.phone, { type: "tel", autocomplete: "tel", placeholder: "(313) 555-0100" }));
    if (!byPhone || rules?.by_phone) parts.push(this.#text("email", t.mail, { type: "email", autocomplete: "email", placeholder: "name@example.com" }));
    for (const attribute of activation.attributes) parts.push(this.#attribute(attribute));
    if (byPhone) parts.push(this.#agree("consent.sms", "consent-sms", t.agreeSms));
    if (byPhone ? rules?.by_phone : rules ? rules.by_email : this.around.textId) parts.push(this.#agree("consent.email", "consent", t.agreeMail));
    this.node.replaceChildren(...parts, this.#button);
  }

  #choice(): Node {
    const { texts: t } = this.around;
    const option = (way: Way) =>
      h("label", {}, h("input", { type: "radio", name: "way", value: way, checked: way === this.#way, change: () => this.#choose(way) }), t[way]);
    return h("div", { class: "seg", part: "ways", role: "radiogroup", "aria-label": `${t.email} / ${t.sms}` }, ...this.#ways.map(option));
  }

  #choose(way: Way) {
    const typed = this.#typed();
    this.#way = way;
    this.#build();
    for (const [name, value] of typed) {
      const input = this.#fields.get(name);
      if (input instanceof HTMLInputElement || input instanceof HTMLSelectElement) input.value = value;
    }
    this.node.querySelector<HTMLInputElement>(`[value=${way}]`)?.focus();
  }

  /** What is typed in texts, so that changing the way loses nothing. */
  #typed(): [string, string][] {
    const fields = [...this.#fields].filter(([, field]) => !field.matches("[type=checkbox], fieldset"));
    return fields.map(([name, field]) => [name, (field as HTMLInputElement).value]);
  }

  #field(name: string, label: string, input: HTMLElement): Node {
    input.id = name;
    this.#fields.set(name, input);
    return h("div", { class: "f", part: "field" }, h("label", { for: name }, label), input);
  }

  #text(name: string, label: string, props: Record<string, string | boolean | number | undefined>): Node {
    return this.#field(name, label, h("input", { name, part: "input", ...props }));
  }

  #attribute({ name, kind, required, choices = [], longest, min, max }: Attribute): Node {
    const { texts: t, label } = this.around;
    const words = label(name) ?? t.names[name] ?? name.replace(/_/g, " ").replace(/^./, (first) => first.toUpperCase());
    const shown = required ? words : `${words} (${t.optional})`;
    const field = `attributes.${name}`;
    const option = (value: string) => h("option", { value }, value);
    if (kind === "list") {
      const box = (value: string) => h("label", { class: "ok" }, h("input", { type: "checkbox", value }), h("span", {}, value));
      const group = h("fieldset", { class: "f", id: field, part: "field" }, h("legend", {}, shown), ...choices.map(box));
      this.#fields.set(field, group);
      return group;
    }
    if (kind === "boolean") {
      const input = h("input", { type: "checkbox", id: field, name });
      this.#fields.set(field, input);
      return h("div", { class: "f", part: "field" }, h("label", { class: "ok" }, input, h("span", {}, shown)));
    }
    if (choices.length) return this.#field(field, shown, h("select", { name, part: "input" }, h("option", { value: "" }, "–"), ...choices.map(option)));
    const type = kind === "number" ? "number" : kind === "date" ? "date" : "text";
    return this.#text(field, shown, { type, autocomplete: AUTOCOMPLETE[name] ?? "off", maxlength: kind === "text" ? longest : undefined, min, max, step: kind === "number" && "any" });
  }

  #agree(name: string, slot: string, words: string): Node {
    const input = h("input", { type: "checkbox", id: name, name });
    this.#fields.set(name, input);
    return h("div", { class: "f", part: "consent" }, h("label", { class: "ok" }, input, h("span", {}, h("slot", { name: slot }, words))));
  }

  #submit(event: Event) {
    event.preventDefault();
    if (this.busy) return;
    this.fail([]);
    const { activation, textId, send } = this.around;
    const asked: Asked = { scope: activation.scope };
    const consent: Record<string, unknown> = {};
    const attributes: Record<string, unknown> = {};
    const empty: FieldFault[] = [];
    for (const [name, field] of this.#fields) {
      const [group, member] = name.split(/\.(.*)/s) as [string, string?];
      const value = valueOf(field, activation.attributes.find((known) => known.name === member)?.kind);
      if (group === "attributes" && member) {
        if (value !== "" && value !== undefined) attributes[member] = value;
      } else if (group === "consent" && member) {
        // A box that is not ticked is no answer: `false` would withdraw an earlier consent.
        if (value) consent[member] = true;
      } else if (value === "") {
        empty.push({ field: name, code: "missing", message: "" });
      } else {
        asked[name as "email" | "phone"] = String(value);
      }
    }
    if (Object.keys(attributes).length) asked.attributes = attributes;
    if (Object.keys(consent).length) {
      const text = textId ?? activation.consent?.texts[0];
      asked.consent = { ...consent, ...(text && { text_id: text }), ...(/^http/.test(location.protocol) && { page: location.origin + location.pathname }) };
    }
    if (empty.length) this.fail(empty);
    else send(asked, this.#way);
  }

  /** Shows what is wrong with each field, and leads to the first. Returns whether a field was found for each fault. */
  fail(faults: readonly FieldFault[]): boolean {
    const { texts: t } = this.around;
    for (const note of this.node.querySelectorAll(".err")) note.remove();
    for (const field of this.#fields.values()) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    let first: HTMLElement | undefined;
    let all = true;
    for (const fault of faults) {
      const field = this.#fields.get(fault.field) ?? (fault.field === "consent_text_id" || fault.field.startsWith("consent") ? this.#fields.get("consent.email") ?? this.#fields.get("consent.sms") : undefined);
      if (!field) {
        all = false;
        continue;
      }
      first ??= field;
      const id = `${field.id}-fault`;
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", id);
      field.closest(".f")?.append(h("p", { class: "err", id, part: "error" }, sentence(t, fault)));
    }
    (first?.matches("fieldset") ? first.querySelector("input") : first)?.focus();
    return all;
  }

  /** Shows that the answers are being sent. */
  send(busy: boolean) {
    const { texts: t } = this.around;
    this.busy = busy;
    this.#button.setAttribute("aria-disabled", String(busy));
    this.#button.replaceChildren(...(busy ? [h("span", { class: "sp", "aria-hidden": "true" }), t.sending] : [t.send]));
  }
}

const valueOf = (field: HTMLElement, kind: string | undefined): unknown => {
  if (field instanceof HTMLFieldSetElement) {
    const chosen = [...field.querySelectorAll<HTMLInputElement>("input:checked")].map((input) => input.value);
    return chosen.length ? chosen : undefined;
  }
  const input = field as HTMLInputElement;
  if (input.type === "checkbox") return kind === "boolean" && !input.checked ? undefined : input.checked;
  const text = input.value.trim();
  return kind === "number" && text ? Number(text) : text;
};
