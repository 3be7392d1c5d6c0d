/** Foreign words inside our lines and commands: a reason must not be able to write a line of its own. */

/** One line, no control characters; what is longer than `limit` characters ends in an ellipsis. */
export function oneLine(text: string, limit = 400): string {
  const flat = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return flat.length <= limit ? flat : `${flat.slice(0, limit - 1)}…`;
}

/** Lines stay lines; other control characters become spaces. */
export const multiLine = (text: string): string => text.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').trimEnd();

/** One line that Markdown shows as it is, in text and in table cells. */
export function markdownText(text: string, limit?: number): string {
  return oneLine(text, limit).replace(/[\\`*_[\]<>|#]/g, '\\$&');
}

/** As code in Markdown, whatever it holds. */
export function markdownCode(text: string): string {
  const flat = oneLine(text).replaceAll('|', '¦');
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${flat} ${fence}` : `${fence}${flat}${fence}`;
}

/** A word of a POSIX shell's command, quoted where it must be. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-][\w@%+=:,./#-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** `1 wheel`, `3 wheels`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Bytes of a text in UTF-8. */
export const utf8Length = (text: string): number => [...text].reduce((sum, char) => sum + (char < '\u0080' ? 1 : char < '\u0800' ? 2 : char.length === 1 ? 3 : 4), 0);
