import { describe, expect, test } from 'vitest';
import { parsePollRequest } from '../../../lambdas/collector/poll-request.ts';
import { InvalidInputError } from '../../../lambdas/model/errors.ts';
import { pollId } from '../../../lambdas/model/job.ts';
import { factsOf } from '../../../lambdas/rules/catalogue.ts';

const NOW = new Date('2026-01-31T12:34:56.789Z');
const event = {
  rule: 'security-group-ssh-open',
  scheduled_time: '2026-01-31T12:00:00Z',
  netskope_rule_names: ['Our own benchmark: SSH'],
};

const definition = {
  title: 'Queues are tagged',
  scope: 'regional',
  severity: 'low',
  risk: '',
  resource_id_pattern: '[a-z]+',
  runbook: { document: 'Acme-Tag', version: '1', parameters: {} },
  permissions: { read: [], write: [], undo: [], automation: [] },
};

describe("a schedule's event", () => {
  test('is a poll of the scheduled time', () => {
    expect(parsePollRequest(event, NOW)).toEqual({
      rule: factsOf('security-group-ssh-open'),
      poll: { source: 'netskope', rule: 'security-group-ssh-open', asOf: '2026-01-31T12:00:00Z' },
      furtherRuleNames: ['Our own benchmark: SSH'],
    });
  });

  test('that is delivered twice is the same poll, whenever it arrives', () => {
    const later = new Date(NOW.getTime() + 3_600_000);

    const [first, second] = [parsePollRequest(event, NOW), parsePollRequest(event, later)];

    expect(pollId(second.poll)).toBe(pollId(first.poll));
  });

  test.each([
    ['2026-01-31T12:00:00.000Z', '2026-01-31T12:00:00Z'],
    ['2026-01-31T12:00:07.999Z', '2026-01-31T12:00:07Z'],
    ['2026-01-31T13:00:00+01:00', '2026-01-31T12:00:00Z'],
  ])('with the time %s is a poll as of %s', (scheduled_time, asOf) => {
    expect(parsePollRequest({ ...event, scheduled_time }, NOW).poll.asOf).toBe(asOf);
  });

  test('with the keyword still in it is a poll of the current minute', () => {
    const parsed = parsePollRequest({ ...event, scheduled_time: '<aws.scheduler.scheduled-time>' }, NOW);

    expect(parsed.poll.asOf).toBe('2026-01-31T12:34:00Z');
  });

  test('can contain only the rule, for a poll that is started by hand', () => {
    expect(parsePollRequest({ rule: 'CIS-1-2-0-4-1' }, NOW)).toEqual({
      rule: factsOf('security-group-ssh-open'),
      poll: { source: 'netskope', rule: 'security-group-ssh-open', asOf: '2026-01-31T12:34:00Z' },
      furtherRuleNames: [],
    });
  });

  test('can be for a custom rule, with its definition', () => {
    const { poll, rule } = parsePollRequest({ ...event, rule: 'acme-tagging', definition }, NOW);

    expect(poll.rule).toBe('acme-tagging');
    expect(rule).toMatchObject({ id: 'acme-tagging', scope: 'regional' });
    expect(rule.resourceId.safeParse('orders').success).toBe(true);
    expect(rule.resourceId.safeParse('orders-2').success).toBe(false);
    expect(() => parsePollRequest({ ...event, rule: 'acme-tagging' }, NOW)).toThrow(
      'or a custom rule with its definition',
    );
    expect(() => parsePollRequest({ ...event, rule: 'acme', definition: {} }, NOW)).toThrow('definition');
  });

  test.each([
    // Terraform's syntax accepts these; JavaScript does not, or matches something else.
    ['my\\-queue\\:[a-z\\-]+', 'my-queue:a-b', 'my-queue:A'],
    ['a\\\\-b|c', 'c', 'a-b'],
    ['[\\w\\-]+\\.\\d', 'a-b.1', 'a-bx1'],
    ['\\x41\\p{Lu}', 'AB', 'Ab'],
    ['(?i)queue', 'QUEUE', 'queues'],
    ['[[:alpha:]]+', 'abc', 'a1'],
    ['\\Aa|ab\\z', 'ab', 'abc'],
    ['[]a]', ']', 'b'],
    // JavaScript's matcher takes exponential time for these.
    ['(a+)+', 'a'.repeat(1000), `${'a'.repeat(1000)}?`],
    ['(a|aa)+!', `${'a'.repeat(1000)}!`, 'a'.repeat(1000)],
  ])('compiles the pattern %j', (resource_id_pattern, matching, other) => {
    const { rule } = parsePollRequest(
      { ...event, rule: 'acme', definition: { ...definition, resource_id_pattern } },
      NOW,
    );

    expect(rule.resourceId.safeParse(matching).success).toBe(true);
    expect(rule.resourceId.safeParse(other).success).toBe(false);
  });

  test.each(['(?=queue)', '(queue)\\1', 'queue**', '('])('refuses the pattern %j', (resource_id_pattern) => {
    const given = { ...event, rule: 'acme', definition: { ...definition, resource_id_pattern } };

    expect(() => parsePollRequest(given, NOW)).toThrow(InvalidInputError);
    expect(() => parsePollRequest(given, NOW)).toThrow(
      `definition: resource_id_pattern: expected a regular expression in the syntax of RE2, got ${resource_id_pattern}`,
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['a text', 'security-group-ssh-open', /object/],
    ['nothing', undefined, /object/],
    ['no rule', { scheduled_time: event.scheduled_time }, /rule: /],
    ['an unknown rule', { ...event, rule: 'ssh' }, /rule: expected one of .*s3-bucket-public.*, got ssh/],
    ['a time in words', { ...event, scheduled_time: 'noon' }, /scheduled_time: expected a time .*, got noon/],
    ['an empty name', { ...event, netskope_rule_names: [' '] }, /netskope_rule_names\.0: /],
    ['an unknown source', { ...event, source: 'nobody' }, /source: /],
    ['a misspelled key', { ...event, rule_names: [] }, /rule_names/],
  ])('is refused if it is invalid: %s', (_, given, message) => {
    expect(() => parsePollRequest(given, NOW)).toThrow(InvalidInputError);
    expect(() => parsePollRequest(given, NOW)).toThrow(message);
  });

  test('reports all problems at once', () => {
    expect(() => parsePollRequest({ rule: 'ssh', scheduled_time: 'noon' }, NOW)).toThrow(
      /rule: .*scheduled_time: /,
    );
  });
});
