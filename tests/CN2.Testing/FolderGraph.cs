using System.Reflection;
using System.Reflection.Emit;

namespace CN2.Testing;

/// <summary>
/// Which folder (namespace) of an assembly uses which, read from the compiled types: base types, attributes, fields, signatures, locals and
/// every type, method and field that a method body names. Constants are not seen, because the compiler copies their values.
/// </summary>
public sealed class FolderGraph
{
    private const BindingFlags Declared = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields()
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value);

    private readonly Assembly _assembly;

    /// <summary>Which type uses which, of this assembly and of others. Nested types count as the type they are in.</summary>
    private readonly HashSet<(Type User, Type Used)> _uses = [];

    /// <summary>For each folder of the assembly the folders it uses, and for each of these one example: "TypeA uses TypeB".</summary>
    private readonly SortedDictionary<string, SortedDictionary<string, string>> _edges = new(StringComparer.Ordinal);

    private FolderGraph(Assembly assembly, Func<Type, bool> leaveOut)
    {
        _assembly = assembly;
        // What has no namespace is the compiler's own.
        foreach (var type in assembly.GetTypes().Where(t => Outermost(t).Namespace is not null && !leaveOut(Outermost(t)))) Read(type);
    }

    /// <param name="assembly">The project's assembly.</param>
    /// <param name="leaveOut">Types that may know everything, such as the ones that register services.</param>
    public static FolderGraph Of(Assembly assembly, Func<Type, bool>? leaveOut = null) => new(assembly, leaveOut ?? (_ => false));

    public IReadOnlyCollection<string> Folders => _edges.Keys;

    /// <summary>
    /// What types for which <paramref name="user"/> is true use of the folders or libraries whose names start with one of
    /// <paramref name="names"/>: "TypeA uses TypeB", in order.
    /// </summary>
    public IReadOnlyList<string> Uses(Func<Type, bool> user, params string[] names) =>
        _uses.Where(u => user(u.User) && u.Used.Namespace is { } used && names.Any(n => IsWithin(used, n)))
            .Select(u => $"{u.User.FullName} uses {u.Used.FullName}").Order(StringComparer.Ordinal).ToList();

    /// <summary>The same for all types of the folders whose names start with one of <paramref name="folders"/>.</summary>
    public IReadOnlyList<string> Uses(string[] folders, params string[] names) =>
        Uses(t => t.Namespace is { } folder && folders.Any(f => IsWithin(folder, f)), names);

    /// <summary>One shortest cycle for each folder that is in one, as "A → B (Type uses Type) → A (…)"; empty when there is none.</summary>
    public IReadOnlyList<string> Cycles() => _edges.Keys.Select(ShortestCycle).OfType<string>().ToList();

    private string? ShortestCycle(string start)
    {
        var cameFrom = new Dictionary<string, string>(StringComparer.Ordinal);
        var queue = new Queue<string>([start]);
        while (queue.TryDequeue(out var folder))
        {
            foreach (var next in _edges[folder].Keys)
            {
                if (next == start)
                {
                    var path = new List<string> { start };
                    for (var at = folder; at != start; at = cameFrom[at]) path.Insert(0, at);
                    path.Insert(0, start);
                    return start + string.Concat(path.Zip(path.Skip(1), (from, to) => $" → {to} ({_edges[from][to]})"));
                }

                if (cameFrom.TryAdd(next, folder)) queue.Enqueue(next);
            }
        }

        return null;
    }

    private void Read(Type type)
    {
        Add(type, type.BaseType);
        foreach (var used in type.GetInterfaces()) Add(type, used);
        AddAttributes(type, type);
        if (type.IsGenericTypeDefinition)
            foreach (var parameter in type.GetGenericArguments()) AddConstraints(type, parameter);
        foreach (var field in type.GetFields(Declared))
        {
            Add(type, field.FieldType);
            AddAttributes(type, field);
        }

        foreach (var property in type.GetProperties(Declared)) AddAttributes(type, property);
        foreach (var method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared))) Read(type, method);
    }

    private void Read(Type type, MethodBase method)
    {
        AddAttributes(type, method);
        foreach (var parameter in method.GetParameters()) Add(type, parameter.ParameterType);
        if (method is MethodInfo { ReturnType: var answer }) Add(type, answer);
        if (method.IsGenericMethodDefinition)
            foreach (var parameter in method.GetGenericArguments()) AddConstraints(type, parameter);
        if (method.GetMethodBody() is not { } body) return;
        foreach (var local in body.LocalVariables) Add(type, local.LocalType);
        foreach (var clause in body.ExceptionHandlingClauses)
            if (clause.Flags == ExceptionHandlingClauseOptions.Clause) Add(type, clause.CatchType);
        foreach (var member in Members(method, body.GetILAsByteArray()!)) AddMember(type, member);
    }

    /// <summary>The members that a method body names (ECMA-335 III: the operand of an instruction is a token).</summary>
    private static IEnumerable<MemberInfo> Members(MethodBase method, byte[] code)
    {
        var typeArguments = method.DeclaringType is { IsGenericType: true } generic ? generic.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethodDefinition ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            var opCode = code[at] == 0xfe ? OpCodesByValue[(short)(0xfe00 | code[at + 1])] : OpCodesByValue[code[at]];
            at += opCode.Size;
            if (opCode.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
                yield return method.Module.ResolveMember(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
            at += opCode.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private void AddMember(Type type, MemberInfo member)
    {
        switch (member)
        {
            case Type used:
                Add(type, used);
                break;
            case FieldInfo field:
                Add(type, field.DeclaringType);
                Add(type, field.FieldType);
                break;
            case MethodBase method:
                Add(type, method.DeclaringType);
                if (method.IsGenericMethod)
                    foreach (var argument in method.GetGenericArguments()) Add(type, argument);
                foreach (var parameter in method.GetParameters()) Add(type, parameter.ParameterType);
                if (method is MethodInfo { ReturnType: var answer }) Add(type, answer);
                break;
        }
    }

    private void AddAttributes(Type type, MemberInfo member)
    {
        foreach (var attribute in member.GetCustomAttributesData())
        {
            Add(type, attribute.AttributeType);
            foreach (var argument in attribute.ConstructorArguments.Concat(attribute.NamedArguments.Select(n => n.TypedValue)))
                if (argument.Value is Type used) Add(type, used);
        }
    }

    private void AddConstraints(Type type, Type parameter)
    {
        foreach (var constraint in parameter.GetGenericParameterConstraints()) Add(type, constraint);
    }

    private void Add(Type user, Type? used)
    {
        while (used?.HasElementType == true) used = used.GetElementType();
        if (used is null || used.IsGenericParameter) return;
        if (used.IsGenericType)
            foreach (var argument in used.GetGenericArguments()) Add(user, argument);
        (user, used) = (Outermost(user), Outermost(used));
        if (user == used || user.Namespace is not { } from || used.Namespace is not { } to || !_uses.Add((user, used))) return;
        var edges = EdgesOf(from);
        if (used.Assembly != _assembly || from == to) return;
        EdgesOf(to);
        edges.TryAdd(to, $"{user.Name} uses {used.Name}");
    }

    private SortedDictionary<string, string> EdgesOf(string folder)
    {
        if (!_edges.TryGetValue(folder, out var edges)) _edges[folder] = edges = new(StringComparer.Ordinal);
        return edges;
    }

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type;
    }

    private static bool IsWithin(string folder, string root) => folder == root || folder.StartsWith(root + ".", StringComparison.Ordinal);
}
