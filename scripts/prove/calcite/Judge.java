import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.calcite.avatica.util.Casing;
import org.apache.calcite.avatica.util.Quoting;
import org.apache.calcite.sql.SqlExplain;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParser;
import org.apache.calcite.sql.parser.impl.SimpleCharStream;
import org.apache.calcite.sql.parser.impl.SqlParserImplConstants;
import org.apache.calcite.sql.parser.impl.SqlParserImplTokenManager;
import org.apache.calcite.sql.parser.impl.Token;
import org.apache.calcite.sql.parser.impl.TokenMgrError;
import org.apache.calcite.sql.validate.SqlConformanceEnum;

/**
 * Says what Calcite makes of SQL texts. Each line of the input is a text that an agent could send, what the guard would send instead, and a
 * digest of the tokens that the guard sees in it: three columns with tabs between them, the first two in base64, "-" in the others where
 * the guard refuses. With an argument, writes a line for each text there: Calcite's verdict, the digest of Calcite's tokens, and the text.
 */
final class Judge {
    /** What a text is for Calcite. */
    enum Verdict {
        QUERY('Q'),
        OTHER_STATEMENT('S'),
        NO_STATEMENT('U'),
        NO_TOKENS('L');

        final char letter;

        Verdict(char letter) {
            this.letter = letter;
        }
    }

    record Judgement(Verdict verdict, String digest) {}

    /** Dremio's settings, but for the conformance: the most lenient one parses the most. */
    private static final SqlParser.Config CONFIG =
            SqlParser.config()
                    .withQuoting(Quoting.DOUBLE_QUOTE)
                    .withQuotedCasing(Casing.UNCHANGED)
                    .withUnquotedCasing(Casing.UNCHANGED)
                    .withIdentifierMaxLength(1024)
                    .withConformance(SqlConformanceEnum.LENIENT);

    private static final int SHOWN_MAX = 20;

    public static void main(String[] arguments) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        BufferedWriter corpus = arguments.length > 0 ? Files.newBufferedWriter(Path.of(arguments[0])) : null;
        Map<Verdict, Integer> accepted = new TreeMap<>();
        Map<Verdict, Integer> refused = new TreeMap<>();
        int otherTokens = 0;
        int shown = 0;
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] columns = line.split("\t", -1);
            String text = decoded(columns[0]);
            Judgement original = judge(text);
            if (corpus != null) {
                corpus.write(original.verdict.letter + " " + original.digest + " " + quoted(text) + "\n");
            }
            if (columns[1].equals("-")) {
                refused.merge(original.verdict, 1, Integer::sum);
                continue;
            }
            Judgement sent = judge(decoded(columns[1]));
            accepted.merge(sent.verdict, 1, Integer::sum);
            boolean hasOtherTokens = !sent.digest.equals(columns[2]);
            otherTokens += hasOtherTokens ? 1 : 0;
            if ((sent.verdict == Verdict.OTHER_STATEMENT || hasOtherTokens) && shown++ < SHOWN_MAX) {
                System.out.println("  " + sent.verdict + (hasOtherTokens ? ", other tokens" : "") + ": " + quoted(text));
            }
        }
        if (corpus != null) {
            corpus.close();
        }
        int allAccepted = accepted.values().stream().mapToInt(Integer::intValue).sum();
        int allRefused = refused.values().stream().mapToInt(Integer::intValue).sum();
        System.out.println("texts:                                         " + (allAccepted + allRefused));
        System.out.println("accepted, as sent, for Calcite");
        System.out.println("  a query:                                     " + accepted.getOrDefault(Verdict.QUERY, 0));
        System.out.println("  a statement other than a query:              " + accepted.getOrDefault(Verdict.OTHER_STATEMENT, 0));
        System.out.println("  tokens that it cannot parse:                 " + accepted.getOrDefault(Verdict.NO_STATEMENT, 0));
        System.out.println("  characters that are no tokens:               " + accepted.getOrDefault(Verdict.NO_TOKENS, 0));
        System.out.println("  with tokens other than the guard's:          " + otherTokens);
        System.out.println("refused, as written, for Calcite");
        System.out.println("  a query:                                     " + refused.getOrDefault(Verdict.QUERY, 0));
        System.out.println("  a statement other than a query:              " + refused.getOrDefault(Verdict.OTHER_STATEMENT, 0));
        System.out.println("  tokens that it cannot parse:                 " + refused.getOrDefault(Verdict.NO_STATEMENT, 0));
        System.out.println("  characters that are no tokens:               " + refused.getOrDefault(Verdict.NO_TOKENS, 0));
        boolean isGood = accepted.getOrDefault(Verdict.OTHER_STATEMENT, 0) == 0 && otherTokens == 0 && allAccepted > 0;
        System.exit(isGood ? 0 : 1);
    }

    private static Judgement judge(String sql) {
        String digest = digest(sql);
        if (digest == null) {
            return new Judgement(Verdict.NO_TOKENS, "-");
        }
        return new Judgement(verdict(sql), digest);
    }

    private static Verdict verdict(String sql) {
        try {
            List<SqlNode> statements = SqlParser.create(sql, CONFIG).parseStmtList();
            return statements.size() == 1 && isQuery(statements.get(0)) ? Verdict.QUERY : Verdict.OTHER_STATEMENT;
        } catch (SqlParseException | RuntimeException unparsable) {
            return Verdict.NO_STATEMENT;
        }
    }

    private static boolean isQuery(SqlNode statement) {
        if (statement instanceof SqlExplain explain) {
            return isQuery(explain.getExplicandum());
        }
        return statement.isA(SqlKind.QUERY) || statement.getKind() == SqlKind.DESCRIBE_TABLE;
    }

    /** FNV-1a of the tokens, each followed by a zero byte, in UTF-8; null where the lexer gives up. */
    private static String digest(String sql) {
        SqlParserImplTokenManager manager = new SqlParserImplTokenManager(new SimpleCharStream(new StringReader(sql), 1, 1));
        manager.SwitchTo(SqlParserImplConstants.DQID);
        int hash = 0x811c9dc5;
        try {
            for (Token token = manager.getNextToken(); token.kind != SqlParserImplConstants.EOF; token = manager.getNextToken()) {
                for (byte octet : (token.image + "\0").getBytes(StandardCharsets.UTF_8)) {
                    hash = (hash ^ (octet & 0xff)) * 0x01000193;
                }
            }
        } catch (TokenMgrError unknown) {
            return null;
        }
        return String.format("%08x", hash);
    }

    private static String decoded(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    /** As a JSON string, in ASCII. */
    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"', '\\' -> quoted.append('\\').append(c);
                case '\n' -> quoted.append("\\n");
                case '\r' -> quoted.append("\\r");
                case '\t' -> quoted.append("\\t");
                default -> quoted.append(c >= ' ' && c <= '~' ? String.valueOf(c) : String.format("\\u%04x", (int) c));
            }
        }
        return quoted.append('"').toString();
    }

    private Judge() {}
}
