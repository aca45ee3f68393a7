// Colours in logs: the escape sequences that programs write for terminals (ECMA-48 SGR). Pure.
// Everything that is not a colour (cursor moves, titles) is dropped.

export interface Span {
  text: string;
  /** 0 to 15, as terminals number them. */
  color?: number;
  bold?: boolean;
}

// The escape character is what this is about.
// eslint-disable-next-line no-control-regex
const SEQUENCE = /\u001b(?:\[([0-9;]*)([A-Za-z])|\][^\u0007]*\u0007|.)/g;

interface Style {
  color?: number;
  bold?: boolean;
}

function applyCode(style: Style, code: number): Style {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, color: code - 82 };
  const { color, bold } = style;
  if (code === 22) return color === undefined ? {} : { color };
  if (code === 39) return bold === undefined ? {} : { bold };
  return style;
}

/** A line as spans of one style each. */
export function parseAnsi(line: string): Span[] {
  if (!line.includes('\u001b')) return [{ text: line }];
  const spans: Span[] = [];
  let style: Style = {};
  let at = 0;
  const push = (text: string) => {
    if (text !== '') spans.push({ text, ...style });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === 'm') style = (match[1] ?? '').split(';').map(Number).reduce(applyCode, style);
  }
  push(line.slice(at));
  return spans;
}

/** The line without its escape sequences: for searching and copying. */
export const stripAnsi = (line: string): string => (line.includes('\u001b') ? line.replace(SEQUENCE, '') : line);

/** How loud a line is, by the words that loggers write. */
export function levelOf(line: string): 'error' | 'warning' | null {
  if (/\b(ERROR|CRITICAL|FATAL)\b|^Traceback |^\w*(Error|Exception):/.test(line)) return 'error';
  return /\bWARN(ING)?\b/.test(line) ? 'warning' : null;
}
