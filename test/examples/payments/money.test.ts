import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PaymentsError } from '../../../examples/payments/errors.ts';
import {
  addAmounts,
  addDecimals,
  amountOf,
  compareAmounts,
  compareDecimals,
  formatAmount,
  formatDecimal,
  parseAmount,
  parseDecimal,
  subtractAmounts,
} from '../../../examples/payments/money.ts';

const currency = fc.constantFrom('EUR', 'JPY', 'KWD', 'CLF', 'USD');
const minor = fc.bigInt({ min: 0n, max: 99_999_999_999_999n });

describe('amounts', () => {
  it('count the smallest unit of their own currency', () => {
    expect(amountOf('10.5', 'EUR')).toEqual({ currency: 'EUR', minor: 1_050n });
    expect(amountOf('10', 'JPY')).toEqual({ currency: 'JPY', minor: 10n });
    expect(amountOf('1.005', 'KWD')).toEqual({ currency: 'KWD', minor: 1_005n });
  });

  it.each(['7.', '.5', '+7', '007.50', '0.00', '9999999999999999.99'])('takes %s, as XML Schema does', (text) => {
    expect(parseAmount(text, 'EUR').type).toBe('amount');
  });

  it.each(['', '.', '-1', '1,5', '1 000', '1e3', '0x10', 'NaN', 'Infinity', '1.2.3', '١٢', '1'.repeat(19), ' 1'])(
    'refuses "%s"',
    (text) => expect(parseAmount(text, 'EUR').type).toBe('malformed'),
  );

  it.each([
    ['1.005', 'EUR'],
    ['1.500', 'EUR'],
    ['1.0', 'JPY'],
    ['1.0005', 'TND'],
  ])('refuses %s %s, which has more fraction digits than the currency', (text, code) => {
    expect(parseAmount(text, code).type).toBe('malformed');
  });

  it.each(['XYZ', '', 'eur', '__proto__', 'constructor'])('knows no currency "%s"', (code) => {
    expect(parseAmount('1', code).type).toBe('currencyUnknown');
  });

  it('are never mixed with another currency', () => {
    const mixed = (): unknown => addAmounts(amountOf('1', 'EUR'), amountOf('1', 'USD'));
    expect(mixed).toThrow(PaymentsError);
  });

  it('are written and read back unchanged, whatever they are', () => {
    fc.assert(
      fc.property(currency, minor, (code, value) => {
        const amount = { currency: code, minor: value };
        expect(amountOf(formatAmount(amount), code)).toEqual(amount);
      }),
    );
  });

  it('add and subtract exactly and compare as numbers do', () => {
    fc.assert(
      fc.property(currency, minor, minor, (code, x, y) => {
        const [a, b] = [
          { currency: code, minor: x },
          { currency: code, minor: y },
        ];
        expect(subtractAmounts(addAmounts(a, b), b)).toEqual(a);
        expect(compareAmounts(addAmounts(a, b), a) >= 0).toBe(true);
        expect(Math.sign(compareAmounts(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
      }),
    );
  });
});

describe('decimals', () => {
  const decimal = fc.record({
    units: fc.bigInt({ min: -99_999n, max: 99_999n }),
    scale: fc.integer({ min: 0, max: 8 }),
  });

  it('keep their value through text and through sums of different scales', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        expect(parseDecimal(formatDecimal(a))).toEqual(a);
        const sum = addDecimals(a, b);
        expect(compareDecimals(addDecimals(sum, { units: -b.units, scale: b.scale }), a)).toBe(0);
      }),
    );
  });

  it('are equal whatever zeros end them', () => {
    expect(compareDecimals({ units: 15n, scale: 1 }, { units: 1_500n, scale: 3 })).toBe(0);
    expect(formatDecimal({ units: -5n, scale: 2 })).toBe('-0.05');
  });
});
