import { describe, expect, test } from 'vitest';
import { environmentSchema } from '../../../lambdas/collector/environment.ts';
import { parseEnvironment } from '../../../lambdas/model/environment.ts';

const good = {
  NAME: 'cspm',
  HOME_REGION: 'eu-central-1',
  SECURITY_ACCOUNT_ID: '111111111111',
  EVIDENCE_BUCKET: 'cspm-evidence',
  FINDINGS_TABLE: 'cspm-findings',
  EVENT_BUS_ARN: 'arn:aws:events:eu-central-1:111111111111:event-bus/cspm',
  NETSKOPE_URL: 'https://acme.goskope.com',
  NETSKOPE_TOKEN_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:token',
  REGIONS: '["eu-central-1","us-east-1"]',
  REGION_LABELS: '{"Moon(Base)":"xx-moon-1"}',
};

describe('the environment', () => {
  test('is parsed', () => {
    expect(parseEnvironment(environmentSchema, { ...good, PATH: '/bin' })).toEqual({
      ...good,
      POLL_SCHEDULES: {},
      SCHEDULE_TIME_ZONE: 'UTC',
      NETSKOPE_URL: new URL('https://acme.goskope.com'),
      REGIONS: ['eu-central-1', 'us-east-1'],
      REGION_LABELS: { 'Moon(Base)': 'xx-moon-1' },
    });
  });

  test('reports all missing variables at once', () => {
    for (const name of Object.keys(good)) {
      expect(() => parseEnvironment(environmentSchema, {})).toThrow(new RegExp(`(^|[ ;])${name}: `));
    }
  });

  test.each([
    ['HOME_REGION', 'Frankfurt', 'region code'],
    ['SECURITY_ACCOUNT_ID', '1111', 'twelve digits'],
    ['REGIONS', '["eu-central-1"', 'expected JSON'],
    ['REGIONS', '[]', '>=1'],
    ['REGIONS', '"eu-central-1"', 'array'],
    ['REGION_LABELS', '{"Moon":"moon"}', 'region code'],
    ['NETSKOPE_URL', 'acme.goskope.com', 'https://acme.goskope.com'],
    ['NETSKOPE_URL', 'http://acme.goskope.com', 'https://acme.goskope.com'],
    ['NETSKOPE_URL', 'http://127.0.0.1.acme.com', 'https://acme.goskope.com'],
    ['NETSKOPE_URL', 'https://user:password@acme.goskope.com', 'https://acme.goskope.com'],
    ['NETSKOPE_URL', 'file:///etc/hosts', 'https://acme.goskope.com'],
  ])('refuses a %s of %s, and says what was expected', (name, value, expected) => {
    expect(() => parseEnvironment(environmentSchema, { ...good, [name]: value })).toThrow(
      new RegExp(`^environment variables: ${name}.*${expected}`),
    );
  });

  test.each(['http://127.0.0.1:8080', 'http://localhost:8080', 'https://localhost'])(
    'allows a server on the same machine without TLS: %s',
    (url) => {
      const { NETSKOPE_URL } = parseEnvironment(environmentSchema, { ...good, NETSKOPE_URL: url });

      expect(NETSKOPE_URL.origin).toBe(url);
    },
  );
});
