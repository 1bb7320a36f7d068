/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completion, made from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cmd/edgeway/commands.h"

static void print_names(void)
{
	for (const struct command *c = commands; c->name; c++)
		printf("%s ", c->name);
}

int cmd_completion(int argc, char *argv[])
{
	if (argc != 2 || strcmp(argv[1], "bash") != 0)
		return cli_usage("completion");
	fputs("_edgeway()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= "
	      "words i\n"
	      "\tcase $prev in\n"
	      "\t--run-dir|--state-dir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return "
	      ";;\n"
	      "\t--config|--svg) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
	      "\tesac\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t--run-dir|--state-dir) ((i++)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $command in\n"
	      "\t'') words='help ",
	      stdout);
	print_names();
	fputs("--run-dir --state-dir' ;;\n", stdout);
	for (const struct command *c = commands; c->name; c++)
		if (c->words)
			printf("\t%s) words='%s' ;;\n", c->name, c->words);
	fputs("\t*) words='' ;;\n"
	      "\tesac\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n"
	      "complete -F _edgeway edgeway\n",
	      stdout);
	return 0;
}
