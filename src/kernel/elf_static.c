// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the libelf.a of elfutils 0.192 (Debian 13) calls and does not contain (sourceware bug 32293): a tree of the chunks
 * that elf_getdata_rawchunk() gave out. Nothing here asks for one, so the tree stays as calloc() left it. Weak: a
 * library that has its own keeps it. To be deleted with the support of Debian 13.
 */
void eu_search_tree_init(void *tree);
void eu_search_tree_fini(void *tree, void (*free_node)(void *));

__attribute__((weak)) void eu_search_tree_init(void *tree)
{
	(void)tree;
}

__attribute__((weak)) void eu_search_tree_fini(void *tree, void (*free_node)(void *))
{
	(void)tree;
	(void)free_node;
}
