/** A variable's `type`, in the part of the language that these modules use. */
export type TypeExpression =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'collection'; readonly name: string; readonly of: TypeExpression }
  | { readonly kind: 'object'; readonly attributes: readonly Attribute[] };

export interface Attribute {
  readonly name: string;
  readonly type: TypeExpression;
  /** The default, as written; `null` if an optional attribute has none, undefined if the attribute is required. */
  readonly default: string | undefined;
  /** The comment lines immediately before it, without `#`. */
  readonly comment: string;
}

const scalars = new Set(['string', 'number', 'bool', 'any']);
const collections = new Set(['list', 'set', 'map']);
const tokenPattern = /\s*(#[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_][\w-]*|-?\d+(?:\.\d+)?|[(){}[\],=:])/y;
const closing: Readonly<Record<string, string>> = { '(': ')', '{': '}', '[': ']' };

/**
 * Parses a type expression such as `map(object({ mode = optional(string, "dry_run") }))`.
 * @throws Error if it is malformed, or contains something that these modules do not use (tuples, conversions)
 */
export function parseType(text: string): TypeExpression {
  const tokens = tokenize(text);
  const type = typeOf(tokens);
  if (tokens.length > 0) throw new Error(`unexpected '${tokens[0]}' after the type: ${text}`);
  return type;
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  while (text.slice(tokenPattern.lastIndex).trim() !== '') {
    const { lastIndex } = tokenPattern;
    const token = tokenPattern.exec(text)?.[1];
    if (token === undefined) throw new Error(`cannot read a type from here: ${text.slice(lastIndex)}`);
    tokens.push(token);
  }
  return tokens;
}

function take(tokens: string[], expected?: string): string {
  const token = tokens.shift();
  if (token === undefined || (expected !== undefined && token !== expected)) {
    throw new Error(
      `expected ${expected === undefined ? 'a type' : `'${expected}'`}, found '${token ?? 'the end'}'`,
    );
  }
  return token;
}

function typeOf(tokens: string[]): TypeExpression {
  const name = take(tokens);
  if (scalars.has(name)) return { kind: 'scalar', name };
  take(tokens, '(');
  if (collections.has(name)) {
    const of = typeOf(tokens);
    take(tokens, ')');
    return { kind: 'collection', name, of };
  }
  if (name !== 'object') throw new Error(`expected a type, found '${name}'`);
  take(tokens, '{');
  const attributes: Attribute[] = [];
  const comments: string[] = [];
  for (let token = take(tokens); token !== '}'; token = take(tokens)) {
    if (token === ',') continue;
    if (token.startsWith('#')) {
      comments.push(token.slice(1).trim());
      continue;
    }
    take(tokens, '=');
    attributes.push({ name: token, ...attributeType(tokens), comment: comments.splice(0).join(' ') });
  }
  take(tokens, ')');
  return { kind: 'object', attributes };
}

function attributeType(tokens: string[]): Pick<Attribute, 'type' | 'default'> {
  if (tokens[0] !== 'optional') return { type: typeOf(tokens), default: undefined };
  take(tokens);
  take(tokens, '(');
  const type = typeOf(tokens);
  if (take(tokens) === ')') return { type, default: 'null' };
  const written: string[] = [];
  const open: string[] = [];
  for (let token = take(tokens); token !== ')' || open.length > 0; token = take(tokens)) {
    const end = closing[token];
    if (end !== undefined) open.push(end);
    else if (token === open.at(-1)) open.pop();
    written.push(token === ',' ? ', ' : token);
  }
  return { type, default: written.join('') };
}

/** Formats a short form of a type: `map(object)`. */
export function shortType(type: TypeExpression): string {
  if (type.kind === 'scalar') return type.name;
  return type.kind === 'object' ? 'object' : `${type.name}(${shortType(type.of)})`;
}
