export type Child = Node | string | false | undefined | null;
type Props = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

/** Makes an element. Texts become text nodes, so nothing that a server or a page says is ever read as markup. */
export const h = <K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => !!child));
  return element;
};
