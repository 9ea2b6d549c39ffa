import { describe, expect, it } from 'vitest';
import { attributeRows, row } from '../../../scripts/terraform-docs/rows.ts';
import { parseType } from '../../../scripts/terraform-docs/type-expression.ts';

describe("the rows of a module's table of inputs", () => {
  it('has a row for each attribute of an object with only required attributes', () => {
    const type = parseType(`object({
      # Where to.
      moves = optional(list(object({
        # The age in days.
        days = number
        # The class.
        class = string
      })), [])
    })`);

    const rows = attributeRows('evidence', type);

    expect(rows).toEqual([
      ['`evidence.moves`', '`list(object)`', '`[]`', 'Where to.'],
      ['`evidence.moves[…].days`', '`number`', 'required', 'The age in days.'],
      ['`evidence.moves[…].class`', '`string`', 'required', 'The class.'],
    ]);
  });

  it('marks an attribute as required if its comment says so, regardless of its default', () => {
    const type = parseType(`object({
      # When it opens. Required.
      start = optional(string, "")
      # Required. Or not: what it says last counts.
      end = optional(string, "")
    })`);

    const rows = attributeRows('window', type);

    expect(rows).toEqual([
      ['`window.start`', '`string`', 'required', 'When it opens.'],
      ['`window.end`', '`string`', '`""`', 'Required. Or not: what it says last counts.'],
    ]);
  });

  it('shows defaults as written, and marks attributes without one as required', () => {
    const type = parseType('string');

    const rows = [row('a', type, '"b"', 'First.'), row('c', type, undefined, 'Second.')];

    expect(rows).toEqual([
      ['`a`', '`string`', '`"b"`', 'First.'],
      ['`c`', '`string`', 'required', 'Second.'],
    ]);
  });
});
