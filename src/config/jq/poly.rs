//! Bounds that grow with the size of an input: polynomials with non-negative coefficients.

/// The highest power that is counted with; what grows faster is as good as unbounded.
const POWERS: usize = 3;

/// `c0 + c1·m + c2·m²`. What does not fit in is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Poly([f64; POWERS]);

impl Poly {
    pub(super) const fn constant(value: f64) -> Self {
        Self([value, 0.0, 0.0])
    }

    /// So many times the size of the input.
    pub(super) const fn linear(factor: f64) -> Self {
        Self([0.0, factor, 0.0])
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    /// No less than either of them anywhere.
    pub(super) fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].max(other.0[at])))
    }

    pub(super) fn times(self, other: Self) -> Self {
        let mut product = [0.0; POWERS];
        for (i, a) in self.0.iter().enumerate().filter(|(_, a)| **a > 0.0) {
            for (j, b) in other.0.iter().enumerate().filter(|(_, b)| **b > 0.0) {
                match product.get_mut(i + j) {
                    Some(term) => *term += a * b,
                    None => return Self::constant(f64::INFINITY),
                }
            }
        }
        Self(product)
    }

    /// What this comes to, summed over inputs of which there are `count` and which are `size` large together: since no
    /// coefficient is negative, a power of the sum is no less than the sum of the powers.
    pub(super) fn over(self, count: Self, size: Self) -> Self {
        let mut sum = Self::constant(0.0);
        let mut power = size;
        for (at, factor) in self.0.into_iter().enumerate() {
            let inputs = if at == 0 { count } else { power };
            if factor > 0.0 {
                sum = sum.plus(inputs.times(Self::constant(factor)));
            }
            if at > 0 {
                power = power.times(size);
            }
        }
        sum
    }

    /// Its value for an input of this size.
    pub(super) fn at(self, size: f64) -> f64 {
        self.0.iter().rev().fold(0.0, |value, factor| value * size + factor)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "whole numbers, which are exact")]
mod tests {
    use super::Poly;

    #[test]
    fn sums_products_and_compositions_are_bounds() {
        let (three, double) = (Poly::constant(3.0), Poly::linear(2.0));
        assert_eq!(three.plus(double).at(10.0), 23.0);
        assert_eq!(double.times(double).at(10.0), 400.0);
        assert_eq!(double.times(three).at(10.0), 60.0);
        assert!(double.times(double).times(double).at(1.0).is_infinite());
        // Five inputs, twenty large together: three and twice its size for each of them.
        let each = three.plus(double);
        assert_eq!(each.over(Poly::constant(5.0), Poly::constant(20.0)).at(1.0), 55.0);
        let square = double.times(double);
        assert_eq!(square.over(Poly::constant(5.0), Poly::linear(1.0)).at(20.0), 1_600.0);
        assert!(square.over(three, square).at(1.0).is_infinite());
        assert_eq!(Poly::constant(0.0).times(Poly::constant(f64::INFINITY)).at(1.0), 0.0);
    }
}
