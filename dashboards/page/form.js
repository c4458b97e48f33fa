// A form for an action: fields where a JSON Schema says what it is like, and JSON
// for all else.

import { h, exact, written } from "./dom.js";

// actionForm makes a form; its read gives the action, or throws an Error with what
// is wrong.
export function actionForm(schema) {
  const fields = fieldsOf(schema);
  const free = h("textarea", { rows: 4, spellcheck: "false", class: "json", "aria-label": "Action as JSON", placeholder: '{"move": "C"}' });
  if (fields.length === 0) {
    return { el: h("div", { class: "fields" }, h("label", {}, h("span", {}, "Action, as JSON"), free)), read: () => parse(free.value), first: free };
  }
  const inputs = fields.map(input);
  const toggle = h("details", {}, h("summary", {}, "Write it as JSON instead"), free);
  return {
    el: h("div", { class: "fields" }, ...inputs.map((i) => i.el), toggle),
    read: () => {
      if (toggle.open && free.value.trim() !== "") return parse(free.value);
      const action = {};
      for (const i of inputs) {
        if (!i.first.checkValidity()) throw new Error(`${i.name}: ${i.first.validationMessage}`);
        const value = i.read();
        if (value !== undefined) action[i.name] = value;
      }
      return action;
    },
    first: inputs[0].first,
  };
}

export function parse(text) {
  if (text.trim() === "") throw new Error("Say what the action is: JSON, such as {\"move\": \"C\"}.");
  try {
    return exact(text);
  } catch (e) {
    throw new Error(`This is no JSON: ${e.message}`);
  }
}

// fieldsOf are the properties of a schema, [] where fields would not do.
function fieldsOf(schema) {
  if (!schema || typeof schema !== "object" || !schema.properties) return [];
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).map(([name, s]) => ({ name, schema: s ?? {}, required: required.has(name) }));
}

function choices(s) {
  if (Array.isArray(s.enum)) return s.enum;
  if (s.const !== undefined) return [s.const];
  const some = s.oneOf ?? s.anyOf;
  if (Array.isArray(some) && some.every((x) => x?.const !== undefined)) return some.map((x) => x.const);
  return null;
}

function typeOf(s) {
  const types = [s.type].flat().filter((t) => t && t !== "null");
  return types.length === 1 ? types[0] : "";
}

function input(field) {
  const { name, schema, required } = field;
  const list = choices(schema);
  const label = (el) => h("label", {}, h("span", {}, schema.title ?? name, !required && h("span", { class: "dim" }, " optional")), el,
    schema.description && h("small", {}, schema.description));
  if (list && list.length <= 6) return radios(field, list);
  if (list) {
    const select = h("select", { required }, !required && h("option", { value: "" }, ""),
      ...list.map((v, i) => h("option", { value: i }, typeof v === "string" ? v : written(v))));
    return { name, el: label(select), first: select, read: () => select.value === "" ? undefined : list[select.value] };
  }
  switch (typeOf(schema)) {
    case "boolean": {
      const box = h("input", { type: "checkbox" });
      return { name, el: label(box), first: box, read: () => box.checked };
    }
    case "integer":
    case "number": {
      const el = h("input", {
        type: "number", required, min: schema.minimum, max: schema.maximum, step: typeOf(schema) === "integer" ? 1 : "any",
      });
      return { name, el: label(el), first: el, read: () => el.value === "" ? undefined : Number(el.value) };
    }
    case "string": {
      const el = h("textarea", { rows: 2, required, maxlength: schema.maxLength });
      return { name, el: label(el), first: el, read: () => el.value === "" && !required ? undefined : el.value };
    }
  }
  const el = h("textarea", { rows: 2, spellcheck: "false", class: "json", placeholder: "JSON" });
  return { name, el: label(el), first: el, read: () => el.value.trim() === "" ? undefined : parse(el.value) };
}

let groups = 0;

function radios({ name, schema, required }, list) {
  const group = `choice-${groups++}`;
  const buttons = list.map((v, i) => h("input", { type: "radio", name: group, value: i, required }));
  const el = h("fieldset", {}, h("legend", {}, schema.title ?? name, !required && h("span", { class: "dim" }, " optional")),
    ...buttons.map((b, i) => h("label", { class: "choice" }, b, typeof list[i] === "string" ? list[i] : written(list[i]))),
    schema.description && h("small", {}, schema.description));
  return {
    name, el, first: buttons[0],
    read: () => {
      const chosen = buttons.find((b) => b.checked);
      return chosen ? list[chosen.value] : undefined;
    },
  };
}
