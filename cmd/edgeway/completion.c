/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completion, made from the tables of commands and of topics. */
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "cmd/edgeway/commands.h"

/* bash makes three words of --run-dir=DIR: "--run-dir", "=" and "DIR". */
static const char head[] =
	"_edgeway()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' words "
	"i\n"
	"\t[[ $prev != = ]] || prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\t[[ $cur != = ]] || cur=''\n"
	"\tcase $prev in\n"
	"\t--run-dir|--state-dir|--config-dir|--dpc-dir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); "
	"return ;;\n"
	"\t--config|--svg) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
	"\tesac\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--run-dir|--state-dir) [[ ${COMP_WORDS[i+1]} == = ]] && ((i += 2)) || ((i += 1)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase \"$command $prev\" in\n"
	"\t*' --log-level') command=--log-level ;;\n"
	"\t'bus get'|'bus watch') command=topic ;;\n"
	"\tnetdump*) [[ $cur == -* ]] || { mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return; } ;;\n"
	"\tbus*) [[ ${COMP_WORDS[i+1]} == watch && COMP_CWORD -gt i+1 ]] && command=topic ;;\n"
	"\tesac\n"
	"\tcase $command in\n"
	"\t--log-level) words='error warning info debug' ;;\n";
static const char tail[] = "\t*) words='' ;;\n"
			   "\tesac\n"
			   "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
			   "}\n"
			   "complete -F _edgeway edgeway\n";

int cmd_completion(int argc, char *argv[])
{
	if (argc != 2 || strcmp(argv[1], "bash") != 0)
		return cli_usage("completion");
	fputs(head, stdout);
	printf("\t'') words='help --run-dir --state-dir");
	for (const struct command *c = commands; c->name; c++)
		printf(" %s", c->name);
	printf("' ;;\n\ttopic) words='");
	for (const struct ps_topic *const *t = ps_topics; *t; t++)
		printf("%s ", (*t)->name);
	printf("' ;;\n");
	for (const struct command *c = commands; c->name; c++)
		if (c->words)
			printf("\t%s) words='%s' ;;\n", c->name, c->words);
	fputs(tail, stdout);
	return 0;
}
