using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.Server.Json;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Transactions;

/// <summary>
/// Reads one compare: of a key (<c>key</c>, <c>target</c>, <c>op</c>, <c>operand</c>), or of a hold (<c>lock</c>, <c>semaphore</c> or <c>election</c>, with
/// <c>fencingToken</c>). <c>op</c> is <c>=</c> when absent.
/// </summary>
internal static class TxnCompareReader
{
    public static TxnCompare? Read(ref StrictObjectReader json, TxnSize size)
    {
        var path = json.Path();
        if (!json.EnterObject())
        {
            json.Wrong("an object");
            return null;
        }
        var given = default(Given);
        while (json.NextField())
        {
            given.ReadField(ref json, size);
        }
        if (json.Refusal is not null)
        {
            return null;
        }
        var compare = given.ToCompare(out var sentence);
        if (compare is null)
        {
            json.Refuse($"the field \"{path}\" {sentence}");
        }
        return compare;
    }

    /// <summary>The fields of a compare as they come, in any order.</summary>
    private struct Given
    {
        private Key? _key;
        private int _keys;
        private CompareTarget? _target;
        private CompareOperator? _operator;
        private JsonScalar? _operand;
        private byte[]? _bytes;
        private Key? _held;
        private int _holds;
        private HoldSpace _space;
        private FencingToken? _token;

        public void ReadField(ref StrictObjectReader json, TxnSize size)
        {
            if (json.IsBytes("key"u8, "keyBase64"u8, 0, out var key))
            {
                _keys++;
                _key = size.ToKey(ref json, key);
            }
            else if (json.Is("target"u8, 2))
            {
                _target = ToTarget(ref json, json.Text());
            }
            else if (json.Is("op"u8, 3))
            {
                _operator = ToOperator(ref json, json.Text());
            }
            else if (json.Is("operand"u8, 4))
            {
                _operand = json.Scalar();
            }
            else if (!json.IsPacked && json.Is("operandBase64"u8, 5))
            {
                _bytes = json.Base64();
            }
            else if (json.Is("lock"u8, 6))
            {
                ReadHold(ref json, size, HoldSpace.Lock);
            }
            else if (json.Is("semaphore"u8, 7))
            {
                ReadHold(ref json, size, HoldSpace.Semaphore);
            }
            else if (json.Is("election"u8, 8))
            {
                ReadHold(ref json, size, HoldSpace.Election);
            }
            else if (json.Is("fencingToken"u8, 9))
            {
                _token = json.Token();
            }
            else
            {
                json.Unknown();
            }
        }

        /// <summary>Null with what is wrong, to be said after the compare's path.</summary>
        public readonly TxnCompare? ToCompare(out string sentence)
        {
            sentence = "";
            if (_keys + _holds != 1 || (_key is null && _held is null))
            {
                sentence = "has not exactly one of \"key\", \"keyBase64\", \"lock\", \"semaphore\" and \"election\"";
                return null;
            }
            return _key is { } key ? ToKeyCompare(key, out sentence) : ToHoldCompare(_held!.Value, out sentence);
        }

        private void ReadHold(ref StrictObjectReader json, TxnSize size, HoldSpace space)
        {
            _holds++;
            _space = space;
            _held = size.ToName(ref json);
        }

        private readonly TxnCompare? ToHoldCompare(Key name, out string sentence)
        {
            sentence = this switch
            {
                { _token: null } => "has no \"fencingToken\"",
                { _target: not null } or { _operand: not null } or { _bytes: not null } => "names a hold, which is compared by its \"fencingToken\" alone",
                { _operator: CompareOperator.Less or CompareOperator.Greater } => "names a hold, for which \"op\" is \"=\" or \"!=\"",
                _ => "",
            };
            return sentence.Length > 0
                ? null
                : new TxnCompare(CompareTarget.Hold, _operator ?? CompareOperator.Equal, name, _token!.Value.Value, default, _space);
        }

        private readonly TxnCompare? ToKeyCompare(Key key, out string sentence)
        {
            if (_token is not null)
            {
                sentence = "has a \"fencingToken\", which belongs to \"lock\", \"semaphore\" or \"election\"";
                return null;
            }
            if (_target is not { } target)
            {
                sentence = "has no \"target\"";
                return null;
            }
            var with = _operator ?? CompareOperator.Equal;
            if (target is CompareTarget.Lease or CompareTarget.Exists && with is CompareOperator.Less or CompareOperator.Greater)
            {
                sentence = "has an \"op\" that its \"target\" does not take: it takes \"=\" and \"!=\"";
                return null;
            }
            if (target == CompareTarget.Value)
            {
                var value = ValueOperand(out sentence);
                return value is null ? null : new TxnCompare(target, with, key, 0, value);
            }
            var number = NumberOperand(target, out sentence);
            return number is null ? null : new TxnCompare(target, with, key, number.Value);
        }

        private readonly byte[]? ValueOperand(out string sentence)
        {
            sentence = "";
            switch (_operand, _bytes)
            {
                case (null, { } bytes):
                    return bytes;
                case ({ Kind: TokenKind.Text, Text: var text }, null):
                    return Encoding.UTF8.GetBytes(text);
                case ({ Kind: TokenKind.Bytes, Bytes: var bytes }, null):
                    return bytes;
                default:
                    sentence = "needs a string as \"operand\", or \"operandBase64\"";
                    return null;
            }
        }

        private readonly long? NumberOperand(CompareTarget target, out string sentence)
        {
            sentence = "";
            if (_bytes is not null)
            {
                sentence = "has \"operandBase64\", which belongs to the target \"value\"";
                return null;
            }
            long? number = target switch
            {
                CompareTarget.Exists => _operand?.Kind switch
                {
                    TokenKind.True => 1,
                    TokenKind.False => 0,
                    _ => null,
                },
                CompareTarget.Lease => _operand switch
                {
                    { Kind: TokenKind.Null } => 0,
                    { Kind: TokenKind.Text, Text: var text } when LeaseId.TryParse(text, out var lease) => lease.Value,
                    _ => null,
                },
                _ => _operand is { Kind: TokenKind.Number or TokenKind.Text, Text: var digits }
                    && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : null,
            };
            sentence = number is not null ? "" : target switch
            {
                CompareTarget.Exists => "needs true or false as \"operand\"",
                CompareTarget.Lease => "needs a lease id (up to 16 hexadecimal digits) as \"operand\", or null for no lease",
                _ => "needs a whole number from 0 up as \"operand\"",
            };
            return number;
        }

        private static CompareTarget? ToTarget(ref StrictObjectReader json, string? text)
        {
            CompareTarget? target = text switch
            {
                "version" => CompareTarget.Version,
                "createRevision" => CompareTarget.CreateRevision,
                "modRevision" => CompareTarget.ModRevision,
                "value" => CompareTarget.Value,
                "lease" => CompareTarget.Lease,
                "exists" => CompareTarget.Exists,
                _ => null,
            };
            if (text is not null && target is null)
            {
                json.Wrong("one of version, createRevision, modRevision, value, lease and exists");
            }
            return target;
        }

        private static CompareOperator? ToOperator(ref StrictObjectReader json, string? text)
        {
            CompareOperator? with = text switch
            {
                "=" => CompareOperator.Equal,
                "!=" => CompareOperator.NotEqual,
                "<" => CompareOperator.Less,
                ">" => CompareOperator.Greater,
                _ => null,
            };
            if (text is not null && with is null)
            {
                json.Wrong("one of =, !=, < and >");
            }
            return with;
        }
    }
}
