import { describe, expect, test } from 'vitest';
import { regionLookup } from '../../../lambdas/collector/regions.ts';

/** The published labels, repeated here so that the product's list is tested. */
const labels: [string, string][] = [
  ['US East(N. Virginia)', 'us-east-1'],
  ['US East(Ohio)', 'us-east-2'],
  ['US West(N. California)', 'us-west-1'],
  ['US West(Oregon)', 'us-west-2'],
  ['Africa(Cape Town)', 'af-south-1'],
  ['Asia Pacific(Hong Kong)', 'ap-east-1'],
  ['Asia Pacific(Jakarta)', 'ap-southeast-3'],
  ['Asia Pacific(Mumbai)', 'ap-south-1'],
  ['Asia Pacific(Osaka)', 'ap-northeast-3'],
  ['Asia Pacific(Sydney)', 'ap-southeast-2'],
  ['Asia Pacific(Seoul)', 'ap-northeast-2'],
  ['Asia Pacific(Singapore)', 'ap-southeast-1'],
  ['Asia Pacific(Tokyo)', 'ap-northeast-1'],
  ['Canada(Central)', 'ca-central-1'],
  ['EU(Frankfurt)', 'eu-central-1'],
  ['EU(Ireland)', 'eu-west-1'],
  ['EU(London)', 'eu-west-2'],
  ['EU(Paris)', 'eu-west-3'],
  ['EU(Stockholm)', 'eu-north-1'],
  ['EU(Milan)', 'eu-south-1'],
  ['South America(Sao Paulo)', 'sa-east-1'],
  ['Asia Pacific (Hyderabad)', 'ap-south-2'],
  ['Asia Pacific (Melbourne)', 'ap-southeast-4'],
  ['Asia Pacific (Malaysia)', 'ap-southeast-5'],
  ['Asia Pacific (Thailand)', 'ap-southeast-7'],
  ['Canada West (Calgary)', 'ca-west-1'],
  ['Europe (Spain)', 'eu-south-2'],
  ['Europe (Zurich)', 'eu-central-2'],
  ['Israel (Tel Aviv)', 'il-central-1'],
  ['Mexico (Central)', 'mx-central-1'],
  ['Middle East (Bahrain)', 'me-south-1'],
  ['Middle East (UAE)', 'me-central-1'],
  ['AWS European Sovereign Cloud (Germany)', 'eusc-de-east-1'],
];

describe('a region', () => {
  const lookUp = regionLookup();

  test.each(labels)('%s is %s, regardless of spaces, case and the spelling of EU', (label, code) => {
    expect(lookUp(label)).toBe(code);
    expect(lookUp(label.replace('(', ' ( '))).toBe(code);
    expect(lookUp(label.replaceAll(' ', ''))).toBe(code);
    expect(lookUp(` ${label.toUpperCase()}\t`)).toBe(code);
    expect(lookUp(label.replace(/^EU/, 'Europe '))).toBe(code);
    expect(lookUp(label.replace(/^Europe /, 'EU'))).toBe(code);
  });

  test.each([
    ['eu-central-1', 'eu-central-1'],
    ['US-East-1', 'us-east-1'],
    ['us-gov-west-1', 'us-gov-west-1'],
    ['xx-new-9', 'xx-new-9'],
    ['South America (São Paulo)', 'sa-east-1'],
    ['global', 'global'],
    ['Global', 'global'],
  ])('%s is %s', (name, code) => {
    expect(lookUp(name)).toBe(code);
  });

  test.each(['Moon(Base)', '', 'US East', 'N. Virginia', 'us-east', 'constructor', '__proto__'])(
    '%j is not a region',
    (name) => {
      expect(lookUp(name)).toBeUndefined();
    },
  );

  test('can have additional labels, which take precedence', () => {
    const further = regionLookup({ 'Moon (Base)': 'xx-moon-1', 'EU(Paris)': 'eu-west-9' });

    expect(further('moon(base)')).toBe('xx-moon-1');
    expect(further('Europe (Paris)')).toBe('eu-west-9');
    expect(further('EU(London)')).toBe('eu-west-2');
    // A tenant may call the region of its findings so.
    expect(regionLookup({ Global: 'us-east-1' })('global')).toBe('us-east-1');
  });
});
