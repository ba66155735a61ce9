// JSON schemas of options, and the values that are entered for them.

/** The fields of an object's schema. */
export const fieldsOf = ({ properties }) =>
  Object.entries(properties).map(([name, schema]) => ({ name, default: null, description: "", ...schema, schema }));

/** How a value is entered: {kind, choices}. The kind is flag, choice or text, which may have choices, too. */
export function entryOf(schema) {
  const kinds = (schema.anyOf ?? [schema]).filter(({ type }) => type !== "null");
  const choices = kinds.flatMap((kind) => kind.enum ?? (kind.const === undefined ? [] : [kind.const]));
  const isFlag = kinds.every(({ type }) => type === "boolean");
  const isOpen = kinds.some((kind) => !kind.enum && kind.const === undefined);
  return { kind: isFlag ? "flag" : isOpen ? "text" : "choice", choices };
}

/** Parse a text: whole numbers separated by a space, "," or "×", else JSON, else the text itself. */
export function valueOf(text) {
  const trimmed = text.trim();
  if (!trimmed) return undefined;
  const words = trimmed.split(/\s*[,x×*]\s*|\s+/);
  if (words.length > 1 && words.every((word) => /^-?\d+$/.test(word))) return words.map(Number);
  try {
    return JSON.parse(trimmed);
  } catch {
    return trimmed;
  }
}

/** Format a value as a text for `valueOf`. */
export const textOf = (value) => {
  if (typeof value === "string" || value === null || value === undefined) return value ?? "";
  const isNumbers = Array.isArray(value) && value.every(Number.isInteger);
  return isNumbers && value.length > 1 ? value.join(", ") : JSON.stringify(value, (_, each) => each ?? undefined);
};
export const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);
