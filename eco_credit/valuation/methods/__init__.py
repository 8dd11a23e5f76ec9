"""Formulas of appraisal: pure functions on floats or arrays, units declared, no rules inside."""
