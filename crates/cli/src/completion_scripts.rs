//! Scripts that let shells complete: each passes the words typed so far to `ohfp __complete`, and keeps of the answer what
//! begins with the word that is being typed.

use crate::actions::CompletionShell;

/// The script of a shell.
pub(crate) fn script(shell: CompletionShell) -> &'static str {
    match shell {
        CompletionShell::Bash => BASH,
        CompletionShell::Zsh => ZSH,
        CompletionShell::Fish => FISH,
        CompletionShell::Elvish => ELVISH,
        CompletionShell::PowerShell => POWERSHELL,
    }
}

const BASH: &str = r#"# Completion of ohfp for Bash 4.4 or later.
_ohfp() {
    local current words line word
    # The words as they are typed: `=` and `:` separate none of them.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cword
        _get_comp_words_by_ref -n =: -c current -w words -i cword
        words=("${words[@]:1:cword-1}")
    else
        current=${COMP_WORDS[COMP_CWORD]}
        words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        case $word in
        :files) compopt -o filenames; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
        :directories) compopt -o filenames; while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
        -*) [[ $current == -* && $word == "$current"* ]] && COMPREPLY+=("$word") ;;
        *) [[ $word == "$current"* ]] && COMPREPLY+=("$word") ;;
        esac
    done < <(ohfp __complete "${words[@]}" 2>/dev/null)
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$current"; fi
}
complete -F _ohfp ohfp
"#;

const ZSH: &str = r#"#compdef ohfp
# Completion of ohfp for Zsh.
_ohfp() {
    local line word description
    local -a candidates options
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        description=
        [[ $line == *$'\t'* ]] && description=${line#*$'\t'}
        case $word in
        :files) _files; return ;;
        :directories) _files -/; return ;;
        -*) options+=("${word//:/\\:}:$description") ;;
        *) candidates+=("${word//:/\\:}${description:+:$description}") ;;
        esac
    done < <(ohfp __complete "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)
    if [[ $PREFIX == -* ]]; then
        _describe -o option options
    else
        _describe ohfp candidates
    fi
}
if [ "$funcstack[1]" = _ohfp ]; then _ohfp "$@"; else compdef _ohfp ohfp; fi
"#;

const FISH: &str = r"# Completion of ohfp for fish.
function __ohfp_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (ohfp __complete $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path $current
            case :directories
                __fish_complete_directories $current
            case '-*'
                string match -q -- '-*' $current; and echo $line
            case '*'
                echo $line
        end
    end
end
complete -c ohfp -f -a '(__ohfp_complete)'
";

const ELVISH: &str = r#"# Completion of ohfp for Elvish.
use str
set edit:completion:arg-completer[ohfp] = {|@words|
    var current = $words[-1]
    ohfp __complete (all $words[1..-1]) 2>/dev/null | from-lines | each {|line|
        var word @description = (str:split "\t" $line)
        if (eq $word :files) {
            edit:complete-filename $current
        } elif (eq $word :directories) {
            edit:complete-dirname $current
        } elif (or (not (str:has-prefix $word -)) (str:has-prefix $current -)) {
            edit:complex-candidate $word &display=$word' '(str:join '' $description)
        }
    }
}
"#;

const POWERSHELL: &str = r#"# Completion of ohfp for PowerShell.
Register-ArgumentCompleter -Native -CommandName ohfp -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    ohfp __complete @words 2>$null | ForEach-Object {
        $word, $description = $_ -split "`t", 2
        if ($word -eq ':files' -or $word -eq ':directories') { return }
        if ($word.StartsWith('-') -and -not $wordToComplete.StartsWith('-')) { return }
        if (-not $word.StartsWith($wordToComplete)) { return }
        if (-not $description) { $description = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $description)
    }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    /// What brackets and braces a script leaves open, outside of strings and comments.
    fn left_open(script: &str) -> String {
        let mut open = String::new();
        for line in script.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let mut quote = None;
            for letter in line.chars() {
                match (quote, letter) {
                    (Some(of), letter) if letter == of => quote = None,
                    (None, '\'' | '"') => quote = Some(letter),
                    (None, '(' | '[' | '{') => open.push(letter),
                    (None, ')' | ']' | '}') => {
                        let opening = match letter {
                            ')' => '(',
                            ']' => '[',
                            _ => '{',
                        };
                        if open.pop() != Some(opening) {
                            return format!("{letter} of {line}");
                        }
                    }
                    _ => {}
                }
            }
            if quote.is_some() {
                return format!("a string of {line}");
            }
        }
        open
    }

    /// Shells that the tests do not have at hand: nothing is left open, and the words before the one that is typed are
    /// passed as they are.
    #[test]
    fn scripts_of_other_shells_are_well_formed() {
        for (shell, parts) in [
            (
                CompletionShell::Elvish,
                ["set edit:completion:arg-completer[ohfp] = ", "ohfp __complete (all $words[1..-1])"],
            ),
            (
                CompletionShell::PowerShell,
                ["Register-ArgumentCompleter -Native -CommandName ohfp ", "ohfp __complete @words"],
            ),
        ] {
            let script = script(shell);
            assert_eq!(left_open(script), "", "{shell:?}");
            for part in parts.into_iter().chain([":files", ":directories"]) {
                assert!(script.contains(part), "{shell:?}: {part}");
            }
        }
        assert_eq!(left_open("f { ( }"), "} of f { ( }");
        assert_eq!(left_open("'{"), "a string of '{");
    }

    #[test]
    fn each_script_asks_the_program() {
        for shell in CompletionShell::ALL {
            assert!(script(shell).contains(&format!("ohfp {}", crate::completion::COMMAND)), "{shell:?}");
        }
    }
}
