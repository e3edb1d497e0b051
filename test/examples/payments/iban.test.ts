import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ibanOf, isIbanValid } from '../../../examples/payments/iban.ts';

describe('IBAN check digits', () => {
  it.each(['DE89370400440532013000', 'GB82WEST12345698765432', 'FR1420041010050500013M02606', 'NO9386011117947'])(
    '%s is right',
    (iban) => expect(isIbanValid(iban)).toBe(true),
  );

  it.each([
    'DE88370400440532013000',
    'de89370400440532013000',
    'DE89 3704 0044 0532 0130 00',
    '',
    'DE89',
    '0921-3350017',
  ])('"%s" is wrong', (iban) => expect(isIbanValid(iban)).toBe(false));

  it('are found for any account number', () => {
    const digits = fc.stringMatching(/^[0-9]{18}$/);
    fc.assert(fc.property(digits, (account) => isIbanValid(ibanOf('DE', account))));
  });
});
