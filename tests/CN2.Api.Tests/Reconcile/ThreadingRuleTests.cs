using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The types keep the threading rule of docs/threads.md.</summary>
public sealed class ThreadingRuleTests
{
    private static readonly Type[] Types = [.. typeof(LoopState).Assembly.GetTypes().Where(t => t is { Namespace: "CN2.Api.Reconcile", IsClass: true, IsAbstract: false })];

    [Fact]
    public void No_task_but_the_loop_reaches_what_the_loop_owns() =>
        Assert.Equal([typeof(ReconcileLoop)], Types.Where(t => t.IsAssignableTo(typeof(IReconcileTask)) && Reach(t).Contains(typeof(LoopState))));

    [Fact]
    public void What_other_threads_post_through_reaches_nothing_of_the_loop()
    {
        foreach (var type in new[] { typeof(LoopInbox), typeof(AgentInbox), typeof(SpeakerJobQueue), typeof(LeaderTasks) }) Assert.DoesNotContain(typeof(LoopState), Reach(type));
    }

    [Fact]
    public void No_constructor_takes_more_than_seven_parameters() =>
        Assert.Empty(Types.Where(t => !IsRecord(t) && t.GetConstructors().Any(c => c.GetParameters().Length > 7)).Select(t => t.Name));

    [Fact]
    public void Classes_of_the_loop_run_no_code_of_their_own() => Assert.Empty(
        Types.Where(t => Constructor(t).Contains(typeof(LoopState)) && t != typeof(ReconcileLoop) && t != typeof(FeedReader))
            .Where(t => t.GetMethods().Any(m => m.DeclaringType == t && m.ReturnType.IsAssignableTo(typeof(Task)) && m.Name != nameof(InboxHandler.WaitAsync))).Select(t => t.Name));

    private static HashSet<Type> Reach(Type type)
    {
        var reached = new HashSet<Type>();
        var open = new Queue<Type>([type]);
        while (open.TryDequeue(out var next))
        {
            foreach (var parameter in Constructor(next).Where(p => p.Namespace == "CN2.Api.Reconcile" && reached.Add(p))) open.Enqueue(parameter);
        }

        return reached;
    }

    private static IEnumerable<Type> Constructor(Type type) => type.GetConstructors().SelectMany(c => c.GetParameters()).Select(p => p.ParameterType);

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;
}
