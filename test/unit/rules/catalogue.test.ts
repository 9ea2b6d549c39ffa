import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { factsOf, findRuleId, ruleIds } from '../../../lambdas/rules/catalogue.ts';
import { loadRule, ruleIds as rulesWithCode } from '../../../lambdas/rules/index.ts';
import { ruleNames } from '../../../lambdas/sources/index.ts';
import { readLibrary } from '../../../scripts/library/compile.ts';
import { type LabRule, labRules } from '../../lab/rules/index.ts';

const rules: readonly (readonly [string, LabRule])[] = Object.entries(labRules);

/** Independent data about each rule: its names in Netskope, and resources as in findings. */
const known = rules.map(([id, { code, words, names = [words.rule_name], ids, notIds }]) => ({
  id,
  legacyId: code,
  names,
  ids,
  notIds,
}));
const withRunbook = rules.filter(([, { hasRunbook }]) => hasRunbook === true).map(([id]) => id);

test('all rules are in the catalogue', () => {
  expect(ruleIds).toEqual(known.map(({ id }) => id).sort());
});

test.each(['unknown', '', 'CIS-1-2-0-9-9', 'constructor', '__proto__'])('there is no rule %j', async (id) => {
  expect(findRuleId(id)).toBeUndefined();
  expect(() => factsOf(id)).toThrow(`unknown rule ${id}`);
  await expect(loadRule(id)).rejects.toThrow(`unknown rule ${id}`);
});

test.each(withRunbook)('%s has a documented AWS runbook', async (id) => {
  const { runbook } = await loadRule(id);

  expect(runbook?.document).toMatch(/^AWS(ConfigRemediation)?-\w+$/);
  expect(runbook?.documentation).toEqual({
    reference: expect.stringMatching(/^https:\/\/docs\.aws\.amazon\.com\/.+\.html$/),
    closes: expect.stringMatching(/^[A-Z][^\n]+\.$/),
    limits: expect.stringMatching(/^[A-Z][^\n]+\.$/),
  });
});

test('every rule in the catalogue has code', () => {
  expect(rulesWithCode).toEqual(ruleIds);
});

test('no other rule has code', async () => {
  const rules = await Promise.all(ruleIds.map((id) => loadRule(id)));

  expect(rules.filter(({ runbook }) => runbook !== undefined)).toHaveLength(withRunbook.length);
});

test("no two rules share a name, including the library's rules", async () => {
  const library = (await readLibrary()).map(({ names }) => names);
  const names = [...Object.values(ruleNames.netskope), ...library].flatMap((spellings) => [
    ...new Set(spellings.map((name) => name.replaceAll(/\s/g, '').toLowerCase())),
  ]);

  expect(names).toEqual([...new Set(names)]);
});

describe.each(known)('$id', ({ id, legacyId, names, ids, notIds }) => {
  test('is found by its id and by its legacy id', async () => {
    const rule = await loadRule(id);

    expect(rule.id).toBe(id);
    expect(rule.legacyId).toBe(legacyId);
    expect(findRuleId(legacyId)).toBe(id);
    expect(factsOf(legacyId)).toBe(factsOf(id));
  });

  test('matches its Netskope names, in all known spellings', () => {
    expect(ruleNames.netskope[id]).toEqual(names);
  });

  test('has a default for each option, and refuses unknown options', async () => {
    const rule = await loadRule(id);

    expect(rule.options.safeParse({}).success).toBe(true);
    expect(rule.options.safeParse({ no_such_option: true }).success).toBe(false);
  });

  test('describes each option', async () => {
    const rule = await loadRule(id);
    const { properties = {} } = z.toJSONSchema(rule.options, { io: 'input' });

    for (const [option, schema] of Object.entries(properties)) {
      expect({
        option,
        description: z.object({ description: z.string() }).safeParse(schema).success,
      }).toEqual({
        option,
        description: true,
      });
    }
  });

  test.each(ids)('accepts the resource %s', async (resource) => {
    expect((await loadRule(id)).resourceId.safeParse(resource).success).toBe(true);
  });

  test.each(notIds)('refuses the resource %s', async (resource) => {
    expect((await loadRule(id)).resourceId.safeParse(resource).success).toBe(false);
  });

  test('refuses white space, wildcards and placeholders anywhere in a resource', async () => {
    const { resourceId } = await loadRule(id);
    const injected = fc
      .tuple(
        fc.constantFrom(...ids),
        fc.nat(),
        fc.constantFrom(
          ' ',
          '\t',
          '\n',
          '\r',
          '\u00a0',
          '\0',
          '*',
          '?',
          '${',
          '$',
          '"',
          "'",
          '<',
          '&',
          ';',
          '%',
        ),
      )
      .map(([resource, place, text]) => {
        const at = place % (resource.length + 1);
        return resource.slice(0, at) + text + resource.slice(at);
      });
    const anything = fc.string({ unit: 'binary-ascii' }).filter((text) => /[\s*]|\$\{/.test(text));

    fc.assert(
      fc.property(fc.oneof(injected, anything), (resource) => {
        expect(resourceId.safeParse(resource).success).toBe(false);
      }),
    );
  });
});
