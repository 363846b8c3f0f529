-- A small shop, with rows: the database that `make demo` asks about.
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT,
  city TEXT,
  joined_on DATE
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  category TEXT,
  unit_price REAL,
  stock INTEGER
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER REFERENCES customers (id),
  price REAL,
  status TEXT,
  created_at DATE
);
CREATE TABLE order_items (
  id INTEGER PRIMARY KEY,
  order_id INTEGER REFERENCES orders (id),
  product_id INTEGER REFERENCES products (id),
  quantity INTEGER
);
INSERT INTO customers VALUES
  (1, 'Ines Duarte', 'ines@example.org', 'Lisbon', '2023-02-11'),
  (2, 'Tomas Berg', 'tomas@example.org', 'Oslo', '2023-05-30'),
  (3, 'Aiko Mori', NULL, 'Osaka', '2024-01-08'),
  (4, 'Lena Vogt', 'lena@example.org', 'Berlin', '2024-03-19'),
  (5, 'Rui Prata', 'rui@example.org', 'Lisbon', '2024-07-02'),
  (6, 'Maja Lind', NULL, 'Oslo', '2025-01-25');
INSERT INTO products VALUES
  (1, 'Desk lamp', 'lighting', 39.90, 14),
  (2, 'Floor lamp', 'lighting', 119.00, 3),
  (3, 'Oak desk', 'furniture', 420.00, 2),
  (4, 'Office chair', 'furniture', 189.50, 7),
  (5, 'Notebook', 'paper', 4.20, 250),
  (6, 'Fountain pen', 'writing', 58.00, 0),
  (7, 'Pencil set', 'writing', 9.80, 64),
  (8, 'Wall clock', 'furniture', 34.00, 5);
INSERT INTO orders VALUES
  (1, 1, 159.70, 'completed', '2024-02-03'),
  (2, 1, 420.00, 'completed', '2024-06-21'),
  (3, 2, 58.00, 'cancelled', '2024-06-22'),
  (4, 3, 12.60, 'completed', '2024-09-10'),
  (5, 4, 609.50, 'open', '2025-01-15'),
  (6, 4, 119.00, 'completed', '2025-02-01'),
  (7, 5, 39.90, 'open', '2025-02-14'),
  (8, 1, 9.80, 'open', '2025-03-03');
INSERT INTO order_items VALUES
  (1, 1, 1, 4), (2, 2, 3, 1), (3, 3, 6, 1), (4, 4, 5, 3), (5, 5, 3, 1), (6, 5, 4, 1),
  (7, 6, 2, 1), (8, 7, 1, 1), (9, 8, 7, 1);
