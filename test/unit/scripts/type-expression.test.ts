import { describe, expect, it } from 'vitest';
import { parseType, shortType } from '../../../scripts/terraform-docs/type-expression.ts';

describe('reading the type of a Terraform variable', () => {
  it.each([
    ['string', 'string'],
    ['set(string)', 'set(string)'],
    ['map(list(number))', 'map(list(number))'],
    ['map(object({ a = bool }))', 'map(object)'],
  ])('calls %s %s', (text, expected) => {
    const type = parseType(text);

    expect(shortType(type)).toBe(expected);
  });

  it('returns the type of each attribute, its default as written, and the comment before it', () => {
    const text = `object({
      name = string
      # Which way, if any.
      # Or both.
      mode     = optional(string, "a, (b) \\"c\\"")
      size     = optional(number)
      places   = optional(list(string), ["x", "y"])
      settings = optional(object({
        on = optional(bool, false)
      }), { on = true })
    })`;

    const type = parseType(text);

    const string = { kind: 'scalar', name: 'string' };
    expect(type).toEqual({
      kind: 'object',
      attributes: [
        { name: 'name', type: string, default: undefined, comment: '' },
        { name: 'mode', type: string, default: '"a, (b) \\"c\\""', comment: 'Which way, if any. Or both.' },
        { name: 'size', type: { kind: 'scalar', name: 'number' }, default: 'null', comment: '' },
        {
          name: 'places',
          type: { kind: 'collection', name: 'list', of: string },
          default: '["x", "y"]',
          comment: '',
        },
        {
          name: 'settings',
          type: {
            kind: 'object',
            attributes: [
              { name: 'on', type: { kind: 'scalar', name: 'bool' }, default: 'false', comment: '' },
            ],
          },
          default: '{on=true}',
          comment: '',
        },
      ],
    });
  });

  it.each([
    ['tuple([string])', "expected a type, found 'tuple'"],
    ['list(string', "expected ')', found 'the end'"],
    ['string)', "unexpected ')' after the type"],
    ['list(!)', 'cannot read a type from here: !)'],
  ])('refuses %s', (text, message) => {
    expect(() => parseType(text)).toThrow(message);
  });
});
