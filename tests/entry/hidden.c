int hidden_number(void);
int hidden_number(void) { return 42; }
