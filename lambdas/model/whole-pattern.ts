/** A regular expression that a whole text must match. */
export interface WholePattern {
  test(text: string): boolean;
}

/** A step of a compiled pattern, with the indexes of the steps that can follow. */
type Step =
  | { readonly kind: 'character'; readonly accepts: (character: string) => boolean; readonly next: number }
  | {
      readonly kind: 'position';
      readonly holds: (text: string, at: number) => boolean;
      readonly next: number;
    }
  | { readonly kind: 'either'; readonly next: number[] }
  | { readonly kind: 'end' };

/** A part of a pattern: adds its steps, which continue at `next`. @returns the index of the first one */
type Part = (next: number) => number;

/** Parts of the syntax that RE2 (Terraform) and JavaScript share. `modules/_custom-rules/patterns.tf` has the same ones. */
const HEX = String.raw`\\x[0-9A-Fa-f]{2}`;
const ESCAPED = String.raw`\\[^A-Za-z0-9]|\\[fnrtv]|${HEX}`;
const SET = String.raw`\\[dDsSwW]|\\[pP]\{[A-Z][a-z]?\}`;
const SINGLE = String.raw`[^\\\[\]]|${ESCAPED}`;
const NO_DASH = String.raw`[^\\\[\]-]|${ESCAPED}`;
// Without a dash after a set, and beginning with another sign than `]` and a second `^`.
const AFTER_SET = `(?:(?:${SET})+(?:${NO_DASH})(?:${SINGLE})*)`;
const CLASS = String.raw`\[\^?(?:(?:(?:[^\\\[\]^]|${ESCAPED})(?:${SINGLE})*${AFTER_SET}*|${AFTER_SET}+)(?:(?:${SET})+-?)?|(?:${SET})+-?)\]`;
const character = new RegExp(String.raw`[^\\[\](){}*+?.^$|]|\.|${ESCAPED}|${SET}|${CLASS}`, 'uy');
const position = /[\^$]|\\[bB]/uy;
const opening = /\((?:\?:)?/uy;
const quantifier = /(?:[*+?]|\{(\d{1,4})(,?)(\d{0,4})\})\??/uy;

/** An escape that JavaScript accepts only without the flag `u`: of punctuation that has no meaning in patterns. */
const PLAIN_ESCAPE = /\\([^A-Za-z0-9^$\\.*+?()[\]{}|/])/gu;

/** Limits the steps of a pattern. What Terraform accepts has fewer. */
const MOST_STEPS = 100_000;

/**
 * Compiles a regular expression that must match a whole text. A match takes time in proportion to the text, because all
 * alternatives are followed at once: JavaScript's own matcher can take exponential time for patterns such as `(a+)+`.
 * Accepts the syntax that RE2, with which Terraform checks patterns, and JavaScript share.
 * @throws SyntaxError for other syntax
 */
export function wholePattern(pattern: string): WholePattern {
  const steps: Step[] = [{ kind: 'end' }];
  const part = parsePattern(pattern, (step) => {
    if (steps.length >= MOST_STEPS) throw new SyntaxError(`too many repetitions: ${pattern}`);
    return steps.push(step) - 1;
  });
  const first = part(0);
  return { test: (text) => matches(steps, first, text) };
}

function matches(steps: readonly Step[], first: number, text: string): boolean {
  let reached = follow(steps, [first], text, 0);
  let at = 0;
  for (const each of text) {
    const next: number[] = [];
    for (const index of reached) {
      const step = steps[index];
      if (step?.kind === 'character' && step.accepts(each)) next.push(step.next);
    }
    at += each.length;
    reached = follow(steps, next, text, at);
    if (reached.size === 0) return false;
  }
  return reached.has(0);
}

/** Returns the steps that can be reached from others without another character. */
function follow(steps: readonly Step[], from: readonly number[], text: string, at: number): Set<number> {
  const reached = new Set(from);
  // The loop also visits the steps that it adds.
  for (const index of reached) {
    const step = steps[index];
    if (step?.kind === 'either') for (const next of step.next) reached.add(next);
    if (step?.kind === 'position' && step.holds(text, at)) reached.add(step.next);
  }
  return reached;
}

/** Parses alternatives of sequences of characters, groups and positions, with quantifiers. */
function parsePattern(pattern: string, add: (step: Step) => number): Part {
  let at = 0;
  const take = (token: RegExp): RegExpExecArray | undefined => {
    token.lastIndex = at;
    const found = token.exec(pattern) ?? undefined;
    at += found?.[0].length ?? 0;
    return found;
  };
  const fail = (): never => {
    throw new SyntaxError(`unknown syntax at "${pattern.slice(at, at + 20)}" in ${pattern}`);
  };

  const alternatives = (): Part => {
    const parts = [sequence()];
    while (pattern[at] === '|') {
      at += 1;
      parts.push(sequence());
    }
    return (next) => add({ kind: 'either', next: parts.map((part) => part(next)) });
  };
  const sequence = (): Part => {
    const parts: Part[] = [];
    while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') parts.push(item());
    return (next) => parts.reduceRight((following, part) => part(following), next);
  };
  const item = (): Part => {
    const where = take(position);
    if (where !== undefined) {
      const holds = holdsAt(where[0]);
      return (next) => add({ kind: 'position', holds, next });
    }
    return quantified(take(opening) === undefined ? oneCharacter() : group());
  };
  const group = (): Part => {
    const inner = alternatives();
    if (pattern[at] !== ')') return fail();
    at += 1;
    return inner;
  };
  const oneCharacter = (): Part => {
    const [source] = take(character) ?? fail();
    const accepted = new RegExp(`^(?:${source.replaceAll(PLAIN_ESCAPE, inHexadecimal)})$`, 'u');
    return (next) => add({ kind: 'character', accepts: (each) => accepted.test(each), next });
  };
  const quantified = (part: Part): Part => {
    const found = take(quantifier);
    if (found === undefined) return part;
    const [sign = '', least = sign.startsWith('+') ? '1' : '0', comma = '', most = ''] = found;
    if (sign.startsWith('{'))
      return repeated(part, Number(least), comma === '' ? Number(least) : mostOf(most));
    return repeated(part, Number(least), sign.startsWith('?') ? 1 : undefined);
  };
  const repeated = (part: Part, least: number, most: number | undefined): Part => {
    if (most !== undefined && most < least) return fail();
    return (next) => {
      let first = most === undefined ? endless(part, next) : next;
      for (let count = least; count < (most ?? least); count += 1)
        first = add({ kind: 'either', next: [part(first), next] });
      for (let count = 0; count < least; count += 1) first = part(first);
      return first;
    };
  };
  const endless = (part: Part, next: number): number => {
    const choices = [next];
    const loop = add({ kind: 'either', next: choices });
    choices.push(part(loop));
    return loop;
  };

  const whole = alternatives();
  return at === pattern.length ? whole : fail();
}

function mostOf(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}

function inHexadecimal(_: string, punctuation: string): string {
  return `\\x${punctuation.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Returns the check of a position: the beginning, the end, or a word's border. */
function holdsAt(sign: string): (text: string, at: number) => boolean {
  if (sign === '^') return (_, at) => at === 0;
  if (sign === '$') return (text, at) => at === text.length;
  const isWord = (each: string | undefined): boolean => each !== undefined && /\w/.test(each);
  const isBorder = (text: string, at: number): boolean => isWord(text[at - 1]) !== isWord(text[at]);
  return sign === String.raw`\b` ? isBorder : (text, at) => !isBorder(text, at);
}
