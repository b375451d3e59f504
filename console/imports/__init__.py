"""导入: files of members, products and orders, checked whole and then entered whole."""
