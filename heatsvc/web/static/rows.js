// Rows of text files: those that a message names, and their lines.

/** Split a message into texts, and {file, row, text} for each row of one of the files `names`. */
export function rowsIn(message, names) {
  const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`((${escaped.join("|")})(?:, sheet [^,]{1,80})?, row (\\d+))`);
  if (!names.length || !pattern.test(message)) return message ? [message] : [];
  const [before, text, file, row, ...after] = message.split(pattern);
  const rest = message.slice(before.length + text.length);
  return [...(before ? [before] : []), { text, file, row: Number(row) }, ...(after.length ? rowsIn(rest, names) : [])];
}

/** The lines of a text. */
export const linesOf = (text) => text.split(/\r\n|\r|\n/);

/** The lines around a row, counted from 1: [{row, text, isMeant}]. */
export function linesAround(text, row, around = 1) {
  const numbered = linesOf(text).map((line, index) => ({ row: index + 1, text: line, isMeant: index + 1 === row }));
  return numbered.slice(Math.max(0, row - 1 - around), row + around);
}
