using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CN2.VRouter.Tests;

/// <summary>What a later proto may change of an earlier one: it may add, and remove a field whose number it then reserves.</summary>
internal static class WireRules
{
    /// <summary>Every violation as a sentence.</summary>
    public static IReadOnlyList<string> Violations(FileDescriptor earlier, FileDescriptor later)
    {
        var violations = new List<string>();
        foreach (var service in earlier.Services)
        {
            var methods = later.Services.FirstOrDefault(s => s.Name == service.Name)?.Methods ?? [];
            violations.AddRange(service.Methods.Where(m => !methods.Any(n => Signature(n) == Signature(m))).Select(m => $"{service.Name}.{m.Name} was removed or changed"));
        }

        foreach (var type in earlier.EnumTypes)
        {
            var values = later.EnumTypes.FirstOrDefault(e => e.Name == type.Name)?.Values ?? [];
            violations.AddRange(type.Values.Where(v => !values.Any(w => w.Number == v.Number && w.Name == v.Name)).Select(v => $"{type.Name}: {v.Name} = {v.Number} was removed or changed"));
        }

        foreach (var type in earlier.MessageTypes)
        {
            if (later.MessageTypes.FirstOrDefault(m => m.Name == type.Name) is not { } now)
            {
                violations.Add($"{type.Name} was removed");
                continue;
            }

            var reserved = now.ToProto().ReservedRange;
            foreach (var field in type.Fields.InFieldNumberOrder())
            {
                if (now.FindFieldByNumber(field.FieldNumber) is { } found)
                {
                    if (Shape(found) != Shape(field)) violations.Add($"{type.Name}: field {field.FieldNumber} was \"{Shape(field)}\" and is \"{Shape(found)}\"");
                }
                else if (!reserved.Any(r => r.Start <= field.FieldNumber && field.FieldNumber < r.End))
                {
                    violations.Add($"{type.Name}: field {field.FieldNumber} ({field.Name}) was removed and its number is not reserved");
                }
            }
        }

        return violations;
    }

    /// <summary>Every field of <paramref name="earlier"/> whose value <paramref name="later"/>, read from the same bytes or written to them, does not have.</summary>
    public static IReadOnlyList<string> Differences(IMessage earlier, IMessage later)
    {
        var differences = new List<string>();
        foreach (var field in earlier.Descriptor.Fields.InFieldNumberOrder())
        {
            var (one, other) = (field.Accessor.GetValue(earlier), later.Descriptor.FindFieldByNumber(field.FieldNumber)?.Accessor.GetValue(later));
            var (ones, others) = (field.IsRepeated ? [.. ((IList)one).Cast<object>()] : (List<object?>)[one], field.IsRepeated && other is IList list ? [.. list.Cast<object>()] : (List<object?>)[other]);
            if (ones.Count != others.Count) differences.Add($"{earlier.Descriptor.Name}.{field.Name} has {ones.Count} values and {others.Count}");
            else
            {
                foreach (var (a, b) in ones.Zip(others))
                {
                    if (a is IMessage && b is IMessage) differences.AddRange(Differences((IMessage)a, (IMessage)b));
                    else if (!Equals(Plain(a), Plain(b))) differences.Add($"{earlier.Descriptor.Name}.{field.Name} is {a} and {b}");
                }
            }
        }

        return differences;
    }

    /// <summary>A message of this type in which every field has a value that is not its default.</summary>
    public static IMessage Fill(MessageDescriptor type, OneofDescriptor? chosen = null, FieldDescriptor? choice = null)
    {
        var message = type.Parser.ParseFrom(ByteString.Empty);
        foreach (var field in type.Fields.InFieldNumberOrder())
        {
            if (field.RealContainingOneof is { } oneof && oneof == chosen && field != choice) continue;
            if (field.IsRepeated)
            {
                var list = (IList)field.Accessor.GetValue(message);
                list.Add(Value(field));
                list.Add(Value(field));
            }
            else
            {
                field.Accessor.SetValue(message, Value(field));
            }
        }

        return message;
    }

    private static object Value(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => Fill(field.MessageType),
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, field.EnumType.Values[^1].Number),
        FieldType.Bool => true,
        FieldType.String => $"text {field.FieldNumber}",
        FieldType.Bytes => ByteString.CopyFrom((byte)field.FieldNumber, 0, 255),
        FieldType.UInt32 => uint.MaxValue - (uint)field.FieldNumber,
        FieldType.UInt64 => ulong.MaxValue - (ulong)field.FieldNumber,
        _ => throw new NotSupportedException($"{field.FullName} has type {field.FieldType}: add a value for it here"),
    };

    private static object? Plain(object? value) => value is Enum ? Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture) : value;

    private static string Signature(MethodDescriptor method) =>
        $"{method.Name}({(method.IsClientStreaming ? "stream " : "")}{method.InputType.FullName}) returns ({(method.IsServerStreaming ? "stream " : "")}{method.OutputType.FullName})";

    // The oneof is part of the shape: a field that joins one is lost when an earlier program sets another member.
    private static string Shape(FieldDescriptor field)
    {
        var type = field.FieldType switch
        {
            FieldType.Message => field.MessageType.Name,
            FieldType.Enum => field.EnumType.Name,
            var scalar => scalar.ToString().ToLowerInvariant(),
        };
        return $"{(field.IsRepeated ? "repeated " : "")}{type} {field.Name}{(field.RealContainingOneof is { } oneof ? $" in oneof {oneof.Name}" : "")}";
    }
}
