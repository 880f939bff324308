"""Colors that color-blind readers can tell apart (Okabe & Ito), and markers for print."""

# Of the shares of a profile. Shapes say the same as colors.
STYLES = {"redundancy": ("#0072B2", "o"), "unique_sum": ("#E69F00", "s"), "synergy": ("#009E73", "^")}
# The two unique atoms side by side: the second lighter.
ATOM_COLORS = {"redundancy": "#0072B2", "unique1": "#E69F00", "unique2": "#F7D08A", "synergy": "#009E73"}
NOISE = "#D55E00"
